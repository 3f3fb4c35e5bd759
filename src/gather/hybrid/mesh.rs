//! Reads the access-log settings of the mesh: ConfigMap `apigee-istio-mesh-config`, key `mesh`.

use serde_json::Value;

use crate::evidence::hybrid::MeshLogging;
use crate::evidence::{Reason, Unavailable};
use crate::gather::kubernetes::api::{Api, JSON};
use crate::gather::kubernetes::fault::Access;
use crate::gather::kubernetes::json;
use crate::wire::access_log::mesh_logging as settings;

/// Name of the ConfigMap.
pub(in crate::gather) const CONFIG_MAP: &str = "apigee-istio-mesh-config";

/// Reads the settings of the namespace's ingress.
pub(in crate::gather) async fn mesh_logging(api: &Api, namespace: &str) -> Result<MeshLogging, Unavailable> {
    let what = format!("ConfigMap {CONFIG_MAP}");
    let path = format!("/api/v1/namespaces/{namespace}/configmaps/{CONFIG_MAP}");
    let access = Access { verb: "get", resource: "configmaps", group: "", namespace };
    let object = api.document(&path, JSON).await.map_err(|fault| fault.unavailable(&what, access))?;
    let unavailable = |reason| Unavailable::new(what.clone(), reason);
    let mesh = json::text(&object, &["data", "mesh"]).ok_or_else(|| {
        let is_config_map = json::text(&object, &["kind"]).as_deref() == Some("ConfigMap");
        unavailable(if is_config_map {
            Reason::Missing(format!("ConfigMap {CONFIG_MAP} has no key \"mesh\""))
        } else {
            Reason::Broken("the answer is no ConfigMap".into())
        })
    })?;
    parse(&mesh).map_err(|text| unavailable(Reason::Broken(text)))
}

/// Parses the text of the key `mesh`.
///
/// # Errors
/// It is no YAML, or no mapping.
pub(in crate::gather) fn parse(mesh: &str) -> Result<MeshLogging, String> {
    let mesh: Value = serde_saphyr::from_str(mesh).map_err(|error| {
        let place = error.location().map(|at| format!(" at line {}, column {}", at.line(), at.column()));
        format!("its key \"mesh\" is no YAML{}", place.unwrap_or_default())
    })?;
    if !mesh.is_object() {
        return Err("its key \"mesh\" is no mapping".into());
    }
    let (file, encoding) = (json::text(&mesh, &["accessLogFile"]), json::scalar(&mesh, &["accessLogEncoding"]));
    Ok(settings(file, encoding, json::at(&mesh, &["accessLogFormat"])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_of_apigee_is_json() {
        let mesh = parse(
            "accessLogFile: /dev/stdout\naccessLogEncoding: 1\naccessLogFormat: |\n  \
             {\"sni_host\":\"%REQUESTED_SERVER_NAME%\",\"status\":\"%RESPONSE_CODE%\",\"nested\":{\"a\":1}}\n",
        )
        .unwrap();
        assert_eq!(mesh.file.as_deref(), Some("/dev/stdout"));
        assert_eq!(mesh.encoding.as_deref(), Some("1"));
        assert_eq!(mesh.fields.as_ref().unwrap()["sni_host"], "%REQUESTED_SERVER_NAME%");
        assert_eq!(mesh.fields.unwrap()["nested"], "{\"a\":1}");
        assert!(!mesh.text_format);
    }

    #[test]
    fn parses_a_disabled_log_and_a_text_format() {
        let off = parse("accessLogFile: \"\"\nrootNamespace: apigee\n").unwrap();
        assert_eq!(off, MeshLogging::default());
        let text = parse("{accessLogFile: /dev/stdout, accessLogEncoding: TEXT, accessLogFormat: '[%START_TIME%] x'}")
            .unwrap();
        assert!(text.text_format && text.fields.is_none());
        assert_eq!(text.format.as_deref(), Some("[%START_TIME%] x"));
        let blank = parse("{accessLogFile: /dev/stdout, accessLogFormat: ''}").unwrap();
        assert!(!blank.text_format && blank.format.is_none());
    }

    #[test]
    fn reports_wrong_types_and_malformed_yaml() {
        let odd = parse("{accessLogFile: [1], accessLogEncoding: {}, accessLogFormat: 7}").unwrap();
        assert_eq!((odd.file, odd.encoding, odd.text_format), (None, None, true));
        assert!(parse("a: [").unwrap_err().starts_with("its key \"mesh\" is no YAML at line "));
        assert_eq!(parse("just text").unwrap_err(), "its key \"mesh\" is no mapping");
        let bomb = format!(
            "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n{}",
            (1..12)
                .map(|n| format!("a{n}: &a{n} [{}]\n", vec![format!("*a{}", n - 1); 10].join(",")))
                .collect::<String>()
        );
        assert!(parse(&bomb).is_err());
    }
}
