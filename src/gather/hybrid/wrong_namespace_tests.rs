//! A namespace without Apigee is answered with the namespaces that have it, where they may be listed.

use super::*;

/// A cluster with routes in these namespaces and none in `apigee`, which has no pod either.
fn elsewhere(namespaces: &'static [&'static str], exists: bool) -> TestServer {
    but(move |asked| {
        let path = asked.path.split('?').next().unwrap_or_default();
        let items = |items: Vec<Value>| Some(Answer::Json(json!({"kind": "List", "metadata": {}, "items": items})));
        match path {
            NAMESPACE if !exists => Some(Answer::Status(404, "", "namespaces \"apigee\" not found")),
            ROUTES => items(Vec::new()),
            "/apis/apigee.cloud.google.com/v1alpha2/apigeeroutes" => {
                let route = |namespace: &&str| json!({"metadata": {"name": "r", "namespace": namespace}});
                items(namespaces.iter().map(route).collect())
            }
            _ if path == format!("{NAMESPACE}/pods") => items(Vec::new()),
            _ => None,
        }
    })
}

#[tokio::test]
async fn the_right_namespace_is_named() {
    let error = run(&elsewhere(&["hybrid", "hybrid"], true), Stop::never()).await.unwrap_err();
    assert_eq!(error.to_string(), "find Apigee in namespace \"apigee\": Apigee is in namespace hybrid here");
    assert_eq!(error.hint().as_deref(), Some("-n hybrid"));
    let error = run(&elsewhere(&["one", "two"], true), Stop::never()).await.unwrap_err();
    assert!(error.to_string().ends_with("in namespace one, two here"), "{error}");
    let error = run(&elsewhere(&["hybrid"], false), Stop::never()).await.unwrap_err();
    assert!(matches!(error, Error::MissingNamespace { .. }), "{error}");
    assert_eq!(error.hint().as_deref(), Some("Apigee is in namespace hybrid here: -n hybrid"));
}

/// What may not be listed, or is nowhere, is no error: the checks say what is missing.
#[tokio::test]
async fn without_another_namespace_the_run_goes_on() {
    let evidence = run(&elsewhere(&[], true), Stop::never()).await.unwrap();
    assert!(evidence.routes.seen().unwrap().items.is_empty());
}
