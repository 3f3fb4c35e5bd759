
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'kubectl-apigee-tls' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'kubectl-apigee-tls'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'kubectl-apigee-tls' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('diagnose', 'diagnose', [CompletionResultType]::ParameterValue, 'Run the checklist against the cluster, or against files, and say what is wrong')
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Shake hands with endpoints: with the right server name, with none and with a wrong one')
            [CompletionResult]::new('pcap', 'pcap', [CompletionResultType]::ParameterValue, 'Analyse packet captures: which TLS handshakes fail, how, and for whom')
            [CompletionResult]::new('collect', 'collect', [CompletionResultType]::ParameterValue, 'Do the same, and write the support bundle')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Hold two runs side by side: what is gone, what is new, what is still there')
            [CompletionResult]::new('rbac', 'rbac', [CompletionResultType]::ParameterValue, 'Print the least Role that a run needs, and its binding, as YAML')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Show what a check looks for, why it matters and how it is fixed; without a code the catalogue')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version')
            [CompletionResult]::new('__complete', '__complete', [CompletionResultType]::ParameterValue, 'Candidates for the words typed so far, as kubectl''s completion asks for them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'kubectl-apigee-tls;diagnose' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid; the context''s own namespace is not used')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid; the context''s own namespace is not used')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Label selector of the ingress pods')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Label selector of the ingress pods')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path of the kubeconfig')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig')
            [CompletionResult]::new('--contexts', '--contexts', [CompletionResultType]::ParameterName, 'Contexts of the kubeconfig, each asked as if it were given alone; may be repeated')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'Cluster of the kubeconfig')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User of the kubeconfig')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Address of the API server')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Address of the API server')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'User to act as')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Group to act as; may be repeated')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'User id to act as')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Time for one request to the API server, 0 for no limit; 30s where not given')
            [CompletionResult]::new('--tls-server-name', '--tls-server-name', [CompletionResultType]::ParameterName, 'Name to expect in the certificate of the API server')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read the log of this container only')
            [CompletionResult]::new('--container', '--container', [CompletionResultType]::ParameterName, 'Read the log of this container only')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only records younger than this, as 10m or 2h')
            [CompletionResult]::new('--since-time', '--since-time', [CompletionResultType]::ParameterName, 'Only records from this moment on (RFC 3339)')
            [CompletionResult]::new('--tail', '--tail', [CompletionResultType]::ParameterName, 'Only so many lines from the end of each log; -1 for all')
            [CompletionResult]::new('--limit-bytes', '--limit-bytes', [CompletionResultType]::ParameterName, 'Only so many bytes of each log')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'An overrides.yaml, - for standard input; may be repeated')
            [CompletionResult]::new('--overrides', '--overrides', [CompletionResultType]::ParameterName, 'An overrides.yaml, - for standard input; may be repeated')
            [CompletionResult]::new('--access-log', '--access-log', [CompletionResultType]::ParameterName, 'An access log or an export of Cloud Logging, also .gz, - for standard input; may be repeated')
            [CompletionResult]::new('--probe', '--probe', [CompletionResultType]::ParameterName, 'Where to shake hands, with each hostname, without one and with a wrong one')
            [CompletionResult]::new('--probe-host', '--probe-host', [CompletionResultType]::ParameterName, 'A hostname to probe beside those of the routes; may be repeated')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Authorities that the clients trust (PEM); without, it is not judged who issued a certificate')
            [CompletionResult]::new('--expect', '--expect', [CompletionResultType]::ParameterName, 'Clients that exist whether or not they were seen')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time for the whole run, of several contexts for each; what was seen until then is reported. 0 is no limit')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Judge evidence that was written before, ask no cluster; - for standard input')
            [CompletionResult]::new('--write-evidence', '--write-evidence', [CompletionResultType]::ParameterName, 'Write the evidence to a file, for --from')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Judge only these checks: codes, names or families')
            [CompletionResult]::new('--skip', '--skip', [CompletionResultType]::ParameterName, 'Leave these checks out: codes, names or families')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'From which level on a finding makes the exit code 1')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the report')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the report')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--all-contexts', '--all-contexts', [CompletionResultType]::ParameterName, 'Every context of the kubeconfig, in its order')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not verify the certificate of the API server')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Judge the files given, ask no cluster')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;probe' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'A file with endpoints, one per line, - for standard input; may be repeated')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'A file with endpoints, one per line, - for standard input; may be repeated')
            [CompletionResult]::new('--sni', '--sni', [CompletionResultType]::ParameterName, 'Server name to send and to expect, instead of the host')
            [CompletionResult]::new('--connect-to', '--connect-to', [CompletionResultType]::ParameterName, 'Connect to this address instead of those that the host has')
            [CompletionResult]::new('--via-proxy', '--via-proxy', [CompletionResultType]::ParameterName, 'Connect through an HTTP proxy; without a URL the one that the environment names')
            [CompletionResult]::new('--tls-min', '--tls-min', [CompletionResultType]::ParameterName, 'Lowest version to offer: 1.0, 1.1, 1.2 or 1.3')
            [CompletionResult]::new('--tls-max', '--tls-max', [CompletionResultType]::ParameterName, 'Highest version to offer')
            [CompletionResult]::new('--ciphers', '--ciphers', [CompletionResultType]::ParameterName, 'Cipher suites to offer, as OpenSSL names them, separated by colons')
            [CompletionResult]::new('--alpn', '--alpn', [CompletionResultType]::ParameterName, 'Protocols to offer by ALPN, separated by commas; empty offers none')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Authorities to verify with (PEM), instead of those of this machine')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'Client certificate to offer (PEM), with what leads to its authority')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Its key (PEM, not encrypted); without, the file of the certificate holds it')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time for one handshake')
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'Endpoints to probe at the same time')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'From which level on a finding makes the exit code 1')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the report')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the report')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--no-sni', '--no-sni', [CompletionResultType]::ParameterName, 'Send no server name, as a client without SNI')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Use IPv4 addresses only')
            [CompletionResult]::new('--ipv4', '--ipv4', [CompletionResultType]::ParameterName, 'Use IPv4 addresses only')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Use IPv6 addresses only')
            [CompletionResult]::new('--ipv6', '--ipv6', [CompletionResultType]::ParameterName, 'Use IPv6 addresses only')
            [CompletionResult]::new('--proxy-protocol', '--proxy-protocol', [CompletionResultType]::ParameterName, 'Begin each connection with a PROXY header, as a load balancer would')
            [CompletionResult]::new('--full', '--full', [CompletionResultType]::ParameterName, 'Find out every version and cipher suite too')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;pcap' {
            [CompletionResult]::new('--host', '--host', [CompletionResultType]::ParameterName, 'Only connections with this address at either end; may be repeated')
            [CompletionResult]::new('--port', '--port', [CompletionResultType]::ParameterName, 'Only connections to this port of the server; may be repeated')
            [CompletionResult]::new('--sni', '--sni', [CompletionResultType]::ParameterName, 'Only connections with this SNI, an empty name for those without; *.example.com takes all names below')
            [CompletionResult]::new('--client', '--client', [CompletionResultType]::ParameterName, 'Only connections of this client; may be repeated')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only connections that began at this time or later (RFC 3339)')
            [CompletionResult]::new('--until', '--until', [CompletionResultType]::ParameterName, 'Only connections that began before this time (RFC 3339)')
            [CompletionResult]::new('--write', '--write', [CompletionResultType]::ParameterName, 'Write the packets of failing handshakes to this new file (pcapng)')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Lowest level of a failure that makes the exit code 1')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the report; wide adds a line for each connection, jsonl prints each connection as JSON when it is over')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the report; wide adds a line for each connection, jsonl prints each connection as JSON when it is over')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--failed', '--failed', [CompletionResultType]::ParameterName, 'Only connections whose handshake failed')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;collect' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid; the context''s own namespace is not used')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid; the context''s own namespace is not used')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Label selector of the ingress pods')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Label selector of the ingress pods')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path of the kubeconfig')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Context of the kubeconfig')
            [CompletionResult]::new('--contexts', '--contexts', [CompletionResultType]::ParameterName, 'Contexts of the kubeconfig, each asked as if it were given alone; may be repeated')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'Cluster of the kubeconfig')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User of the kubeconfig')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Address of the API server')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'Address of the API server')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'User to act as')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Group to act as; may be repeated')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'User id to act as')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Time for one request to the API server, 0 for no limit; 30s where not given')
            [CompletionResult]::new('--tls-server-name', '--tls-server-name', [CompletionResultType]::ParameterName, 'Name to expect in the certificate of the API server')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read the log of this container only')
            [CompletionResult]::new('--container', '--container', [CompletionResultType]::ParameterName, 'Read the log of this container only')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Only records younger than this, as 10m or 2h')
            [CompletionResult]::new('--since-time', '--since-time', [CompletionResultType]::ParameterName, 'Only records from this moment on (RFC 3339)')
            [CompletionResult]::new('--tail', '--tail', [CompletionResultType]::ParameterName, 'Only so many lines from the end of each log; -1 for all')
            [CompletionResult]::new('--limit-bytes', '--limit-bytes', [CompletionResultType]::ParameterName, 'Only so many bytes of each log')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'An overrides.yaml, - for standard input; may be repeated')
            [CompletionResult]::new('--overrides', '--overrides', [CompletionResultType]::ParameterName, 'An overrides.yaml, - for standard input; may be repeated')
            [CompletionResult]::new('--access-log', '--access-log', [CompletionResultType]::ParameterName, 'An access log or an export of Cloud Logging, also .gz, - for standard input; may be repeated')
            [CompletionResult]::new('--probe', '--probe', [CompletionResultType]::ParameterName, 'Where to shake hands, with each hostname, without one and with a wrong one')
            [CompletionResult]::new('--probe-host', '--probe-host', [CompletionResultType]::ParameterName, 'A hostname to probe beside those of the routes; may be repeated')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'Authorities that the clients trust (PEM); without, it is not judged who issued a certificate')
            [CompletionResult]::new('--expect', '--expect', [CompletionResultType]::ParameterName, 'Clients that exist whether or not they were seen')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time for the whole run, of several contexts for each; what was seen until then is reported. 0 is no limit')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Where the bundle goes: a new file, a folder, or - for standard output')
            [CompletionResult]::new('--case', '--case', [CompletionResultType]::ParameterName, 'Number of the support case')
            [CompletionResult]::new('--note', '--note', [CompletionResultType]::ParameterName, 'A word to support')
            [CompletionResult]::new('--env-group', '--env-group', [CompletionResultType]::ParameterName, 'An environment group with the problem; may be repeated. Without, all that are found are listed')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Replace these by pseudonyms in all of the bundle; what they stand for is written beside it')
            [CompletionResult]::new('--redact-map', '--redact-map', [CompletionResultType]::ParameterName, 'Where the list of pseudonyms goes, a new file; without, beside the bundle')
            [CompletionResult]::new('--redact-as', '--redact-as', [CompletionResultType]::ParameterName, 'Give the same pseudonyms as an earlier run, whose list this is')
            [CompletionResult]::new('--pcap', '--pcap', [CompletionResultType]::ParameterName, 'A packet capture (pcap, pcapng) to keep, with secrets masked; may be repeated')
            [CompletionResult]::new('--logs', '--logs', [CompletionResultType]::ParameterName, 'How much of each log goes into the bundle')
            [CompletionResult]::new('--log-limit', '--log-limit', [CompletionResultType]::ParameterName, 'Bytes of resets and complaints that are kept of one container''s log')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--all-contexts', '--all-contexts', [CompletionResultType]::ParameterName, 'Every context of the kubeconfig, in its order')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not verify the certificate of the API server')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'Show what would be collected, why, and by which right; ask nothing')
            [CompletionResult]::new('--self-test', '--self-test', [CompletionResultType]::ParameterName, 'Plant a secret, a hostname and an address of every kind, redact, and show that none comes out; ask nothing')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;diff' {
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'From which level on a new finding makes the exit code 1')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the result')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the result')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;rbac' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid')
            [CompletionResult]::new('--probe', '--probe', [CompletionResultType]::ParameterName, 'Where handshakes are to be made, as diagnose takes it; without pods no port-forward is needed')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Name of the Role and its binding')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User to bind the Role to; may be repeated. Without any subject no binding is printed')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Group to bind it to; may be repeated')
            [CompletionResult]::new('--serviceaccount', '--serviceaccount', [CompletionResultType]::ParameterName, 'Service account to bind it to; may be repeated')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;explain' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'kubectl-apigee-tls;completion' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'kubectl-apigee-tls;version' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'kubectl-apigee-tls;__complete' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell on standard error what is done; twice for more')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'kubectl-apigee-tls;help' {
            [CompletionResult]::new('diagnose', 'diagnose', [CompletionResultType]::ParameterValue, 'Run the checklist against the cluster, or against files, and say what is wrong')
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Shake hands with endpoints: with the right server name, with none and with a wrong one')
            [CompletionResult]::new('pcap', 'pcap', [CompletionResultType]::ParameterValue, 'Analyse packet captures: which TLS handshakes fail, how, and for whom')
            [CompletionResult]::new('collect', 'collect', [CompletionResultType]::ParameterValue, 'Do the same, and write the support bundle')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Hold two runs side by side: what is gone, what is new, what is still there')
            [CompletionResult]::new('rbac', 'rbac', [CompletionResultType]::ParameterValue, 'Print the least Role that a run needs, and its binding, as YAML')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Show what a check looks for, why it matters and how it is fixed; without a code the catalogue')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Print the completion script of a shell')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version')
            [CompletionResult]::new('__complete', '__complete', [CompletionResultType]::ParameterValue, 'Candidates for the words typed so far, as kubectl''s completion asks for them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'kubectl-apigee-tls;help;diagnose' {
            break
        }
        'kubectl-apigee-tls;help;probe' {
            break
        }
        'kubectl-apigee-tls;help;pcap' {
            break
        }
        'kubectl-apigee-tls;help;collect' {
            break
        }
        'kubectl-apigee-tls;help;diff' {
            break
        }
        'kubectl-apigee-tls;help;rbac' {
            break
        }
        'kubectl-apigee-tls;help;explain' {
            break
        }
        'kubectl-apigee-tls;help;completion' {
            break
        }
        'kubectl-apigee-tls;help;version' {
            break
        }
        'kubectl-apigee-tls;help;__complete' {
            break
        }
        'kubectl-apigee-tls;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
