//! The description of a container that `state` and `list` print.

use rbox_runtime::lifecycle::{Container, OCI_VERSION};
use serde_json::{Map, Value, json};

/// The fields of runc's `state`, in its order.
pub fn describe(container: &Container, owner: &str) -> Value {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Value| fields.insert(name.to_owned(), value);
    put("ociVersion", json!(OCI_VERSION));
    put("id", json!(container.id()));
    put("pid", json!(container.pid()));
    put("status", json!(container.status().to_string()));
    put("bundle", json!(container.bundle()));
    put("rootfs", json!(container.rootfs()));
    put("created", json!(container.created()));
    if let Some(annotations) = container.annotations() {
        let sorted: std::collections::BTreeMap<_, _> = annotations.iter().collect();
        put("annotations", json!(sorted));
    }
    put("owner", json!(owner));
    Value::Object(fields)
}
