//! An event as Docker's API words it, for JSON and for templates.

use serde_json::{Map, Value, json};

use super::{Event, Kind};

impl Kind {
    /// Docker's word.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Builder => "builder",
            Kind::Container => "container",
            Kind::Image => "image",
            Kind::Network => "network",
            Kind::Volume => "volume",
        }
    }
}

impl Event {
    /// Docker's `events.Message` with its keys in its order; those of old clients only where it
    /// has them.
    pub fn message(&self) -> Value {
        let mut message = Map::new();
        if matches!(self.kind, Kind::Container | Kind::Image) {
            message.insert("status".into(), json!(self.action));
            message.insert("id".into(), json!(self.id));
        }
        if let (Kind::Container, Some(image)) = (self.kind, self.attributes.get("image")) {
            message.insert("from".into(), json!(image));
        }
        message.insert("Type".into(), json!(self.kind.name()));
        message.insert("Action".into(), json!(self.action));
        message.insert(
            "Actor".into(),
            json!({ "ID": self.id, "Attributes": self.attributes }),
        );
        message.insert("scope".into(), json!("local"));
        message.insert("time".into(), json!(self.time.div_euclid(1_000_000_000)));
        message.insert("timeNano".into(), json!(self.time));
        Value::Object(message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_has_dockers_keys() {
        let mut event = Event::new(Kind::Network, "connect", "n1").with("name", "bridge");
        event.time = 1_700_000_000_000_000_005;
        assert_eq!(
            event.message().to_string(),
            r#"{"Type":"network","Action":"connect","Actor":{"ID":"n1","Attributes":{"name":"bridge"}},"scope":"local","time":1700000000,"timeNano":1700000000000000005}"#
        );
        let mut event = Event::new(Kind::Container, "start", "c1").with("image", "alpine");
        event.time = 1;
        assert_eq!(
            event.message().to_string(),
            r#"{"status":"start","id":"c1","from":"alpine","Type":"container","Action":"start","Actor":{"ID":"c1","Attributes":{"image":"alpine"}},"scope":"local","time":0,"timeNano":1}"#
        );
    }
}
