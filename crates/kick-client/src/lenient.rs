//! Reading JSON whose fields may be absent, null, or of another type than agreed.
//!
//! Kick's replies vary from week to week in what does not matter. A field that is not understood counts as absent, an
//! item of a list that is not understood is left out; what is truly needed is checked where it is used.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Deserializer};
use serde_json::Value;

/// Any value; the default if it is not one of `T`.
pub(crate) fn or_default<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned + Default,
{
    Ok(T::deserialize(Value::deserialize(deserializer)?).unwrap_or_default())
}

/// A list, without what in it is no `T`; empty if it is no list.
pub(crate) fn list<'de, D, T>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: DeserializeOwned,
{
    let Value::Array(items) = Value::deserialize(deserializer)? else {
        return Ok(Vec::new());
    };
    Ok(items.into_iter().filter_map(|item| T::deserialize(item).ok()).collect())
}

/// A number without sign, as a number or as digits in a string. Zero counts as absent: Kick writes it for "none".
pub(crate) fn number<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u64>, D::Error> {
    Ok(as_number(&Value::deserialize(deserializer)?).filter(|&number| number > 0))
}

fn as_number(value: &Value) -> Option<u64> {
    match value {
        Value::Number(number) => number.as_u64().or_else(|| {
            let float = number.as_f64().filter(|float| (0.0..9e15).contains(float))?;
            // Within the range in which f64 holds every whole number.
            Some(float.trunc() as u64)
        }),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

/// What kind of JSON `value` is, in words for an error.
pub(crate) fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "a list",
        Value::Object(_) => "another object",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Default, PartialEq, Deserialize)]
    #[serde(default)]
    struct Loose {
        #[serde(deserialize_with = "or_default")]
        text: String,
        #[serde(deserialize_with = "number")]
        count: Option<u64>,
        #[serde(deserialize_with = "list")]
        tags: Vec<String>,
    }

    fn read(json: &str) -> Loose {
        serde_json::from_str(json).unwrap()
    }

    #[test]
    fn what_is_not_understood_is_absent() {
        let full = Loose { text: "a".into(), count: Some(7), tags: vec!["x".into(), "y".into()] };
        assert_eq!(read(r#"{"text":"a","count":"7","tags":["x",3,null,"y"],"new":{}}"#), full);
        assert_eq!(read(r#"{"text":null,"count":-1,"tags":"x"}"#), Loose::default());
        assert_eq!(read(r#"{"text":{},"count":0,"tags":null}"#), Loose::default());
        assert_eq!(read("{}"), Loose::default());
        assert_eq!(read(r#"{"count":7.9}"#).count, Some(7));
        assert_eq!(read(r#"{"count":1e300}"#).count, None);
    }
}
