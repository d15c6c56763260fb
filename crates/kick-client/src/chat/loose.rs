//! Reading fields of Kick's events, whose types change from event to event.

use jiff::Timestamp;
use serde_json::Value;

use crate::time;

/// The most bytes of one text that are kept; Kick's longest message has 500 characters.
const LONGEST_TEXT: usize = 4096;

/// The field at `path` as text: a string, or a number in digits. Empty ones count as missing.
pub(crate) fn text(value: &Value, path: &[&str]) -> Option<String> {
    match at(value, path)? {
        Value::String(text) if !text.is_empty() => Some(shortened(text).to_owned()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The field at `path` as a whole number: a number, or a string of digits. Negative ones count as missing.
pub(crate) fn number(value: &Value, path: &[&str]) -> Option<u64> {
    match at(value, path)? {
        Value::Number(number) => number.as_u64().or_else(|| {
            let fraction = number.as_f64().filter(|number| (0.0..9.0e15).contains(number))?;
            Some(fraction as u64)
        }),
        Value::String(digits) => digits.trim().parse().ok(),
        _ => None,
    }
}

/// The field at `path` as yes or no.
pub(crate) fn flag(value: &Value, path: &[&str]) -> Option<bool> {
    match at(value, path)? {
        Value::Bool(flag) => Some(*flag),
        Value::Number(number) => match number.as_u64() {
            Some(0) => Some(false),
            Some(1) => Some(true),
            _ => None,
        },
        Value::String(word) => word.to_ascii_lowercase().parse().ok(),
        _ => None,
    }
}

/// The field at `path` as an instant.
pub(crate) fn timestamp(value: &Value, path: &[&str]) -> Option<Timestamp> {
    at(value, path)?.as_str().and_then(time::parse)
}

/// The texts of the list at `path`; what is no text is left out.
pub(super) fn texts(value: &Value, path: &[&str]) -> Vec<String> {
    items(value, path).iter().filter_map(|item| text(item, &[])).collect()
}

/// The items of the list at `path`, or nothing.
pub(super) fn items<'a>(value: &'a Value, path: &[&str]) -> &'a [Value] {
    at(value, path).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// The value inside `value` if that is a string that holds JSON, as often as it was wrapped; else `value` itself.
pub(super) fn unwrapped(value: Value) -> Value {
    /// Twice is what was seen; a third time costs nothing.
    const MOST_WRAPPINGS: usize = 3;
    let mut value = value;
    for _ in 0..MOST_WRAPPINGS {
        let Value::String(inner) = &value else { break };
        match serde_json::from_str(inner) {
            Ok(unwrapped) => value = unwrapped,
            Err(_) => break,
        }
    }
    value
}

fn at<'a>(value: &'a Value, path: &[&str]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, field| value.get(field))
}

fn shortened(text: &str) -> &str {
    &text[..text.floor_char_boundary(LONGEST_TEXT)]
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn numbers_and_texts_may_be_either() {
        let value = json!({"a": {"n": 7, "s": "7", "f": 7.0, "neg": -7, "e": "", "none": null}});
        assert_eq!(number(&value, &["a", "n"]), Some(7));
        assert_eq!(number(&value, &["a", "s"]), Some(7));
        assert_eq!(number(&value, &["a", "f"]), Some(7));
        assert_eq!(number(&value, &["a", "neg"]), None);
        assert_eq!(text(&value, &["a", "n"]).as_deref(), Some("7"));
        assert_eq!(text(&value, &["a", "e"]), None);
        assert_eq!(text(&value, &["a", "none"]), None);
        assert_eq!(text(&value, &["a", "n", "deeper"]), None);
    }

    #[test]
    fn wrapped_json_is_unwrapped() {
        let inner = json!({"a": 1});
        let once = Value::String(inner.to_string());
        let twice = Value::String(once.to_string());
        for value in [inner.clone(), once, twice] {
            assert_eq!(unwrapped(value), inner);
        }
        assert_eq!(unwrapped(json!("no json")), json!("no json"));
    }

    #[test]
    fn long_texts_are_cut_between_characters() {
        let value = json!("é".repeat(LONGEST_TEXT));
        assert_eq!(text(&value, &[]).map(|text| text.len()), Some(LONGEST_TEXT));
    }
}
