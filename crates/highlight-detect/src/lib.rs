//! Finds the moments worth sharing in the sound of a stream: online, pure, no C
