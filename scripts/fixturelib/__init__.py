"""How the media under fixtures/ is made: speech, other sounds, the picture and the stories they tell."""
