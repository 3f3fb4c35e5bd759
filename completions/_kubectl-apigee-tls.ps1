
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
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('diagnose', 'diagnose', [CompletionResultType]::ParameterValue, 'Run all checks against a cluster or files, and report what is wrong')
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Test TLS handshakes with endpoints: with the right SNI, without SNI and with an unknown name')
            [CompletionResult]::new('pcap', 'pcap', [CompletionResultType]::ParameterValue, 'Analyse packet captures: which TLS handshakes fail, how, and for whom')
            [CompletionResult]::new('collect', 'collect', [CompletionResultType]::ParameterValue, 'Run diagnose and write a support bundle')
            [CompletionResult]::new('trace', 'trace', [CompletionResultType]::ParameterValue, 'Follow one server name from the client to overrides.yaml: each link, and which one is broken')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two runs: findings resolved, new and unchanged')
            [CompletionResult]::new('rbac', 'rbac', [CompletionResultType]::ParameterValue, 'Print the minimal Role and binding for a run, as YAML')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Explain a check: what it detects, why it matters and how to fix it; without a code, list all checks')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Print a shell completion script')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version')
            [CompletionResult]::new('__complete', '__complete', [CompletionResultType]::ParameterValue, 'Print completion candidates for kubectl')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'kubectl-apigee-tls;diagnose' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid; the namespace of the context is ignored')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid; the namespace of the context is ignored')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Label selector of the ingress pods')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Label selector of the ingress pods')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path of the kubeconfig file')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Kubeconfig context to use')
            [CompletionResult]::new('--contexts', '--contexts', [CompletionResultType]::ParameterName, 'Kubeconfig contexts to run for, each on its own; may be repeated')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'Kubeconfig cluster to use')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Kubeconfig user to use')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'URL of the API server')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'URL of the API server')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'User to impersonate')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Group to impersonate; may be repeated')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'UID to impersonate')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Time limit of a single API request; 0 means no limit [default: 30s]')
            [CompletionResult]::new('--tls-server-name', '--tls-server-name', [CompletionResultType]::ParameterName, 'Server name to verify in the certificate of the API server')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read only the log of this container')
            [CompletionResult]::new('--container', '--container', [CompletionResultType]::ParameterName, 'Read only the log of this container')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Read only records newer than this duration, such as 10m or 2h')
            [CompletionResult]::new('--since-time', '--since-time', [CompletionResultType]::ParameterName, 'Read only records since this time (RFC 3339)')
            [CompletionResult]::new('--tail', '--tail', [CompletionResultType]::ParameterName, 'Maximum number of lines from the end of each log; -1 means all')
            [CompletionResult]::new('--limit-bytes', '--limit-bytes', [CompletionResultType]::ParameterName, 'Maximum number of bytes of each log')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Overrides file (overrides.yaml), or - for standard input; may be repeated')
            [CompletionResult]::new('--overrides', '--overrides', [CompletionResultType]::ParameterName, 'Overrides file (overrides.yaml), or - for standard input; may be repeated')
            [CompletionResult]::new('--access-log', '--access-log', [CompletionResultType]::ParameterName, 'Access log or Cloud Logging export, also .gz, or - for standard input; may be repeated')
            [CompletionResult]::new('--probe', '--probe', [CompletionResultType]::ParameterName, 'Where to test TLS handshakes: with each hostname, without SNI and with an unknown name')
            [CompletionResult]::new('--probe-host', '--probe-host', [CompletionResultType]::ParameterName, 'Additional hostname to probe, besides those of the routes; may be repeated')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'PEM file of the CAs that clients trust; without it, certificate trust is not checked')
            [CompletionResult]::new('--expect', '--expect', [CompletionResultType]::ParameterName, 'Clients that are known to exist, even if they were not seen')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of the run, per context; what was seen by then is reported. 0 means no limit')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Judge saved evidence or a bundle; contact no cluster. - for standard input')
            [CompletionResult]::new('--write-evidence', '--write-evidence', [CompletionResultType]::ParameterName, 'Write the evidence to a file, for use with --from')
            [CompletionResult]::new('--only', '--only', [CompletionResultType]::ParameterName, 'Run only these checks: codes, names or families, separated by commas')
            [CompletionResult]::new('--skip', '--skip', [CompletionResultType]::ParameterName, 'Skip these checks: codes, names or families, separated by commas')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Lowest level of a finding that sets exit code 1')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the report')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the report')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--all-contexts', '--all-contexts', [CompletionResultType]::ParameterName, 'Run for every context of the kubeconfig, in its order')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not verify the certificate of the API server')
            [CompletionResult]::new('--offline', '--offline', [CompletionResultType]::ParameterName, 'Judge only the given files; contact no cluster')
            [CompletionResult]::new('--what-if', '--what-if', [CompletionResultType]::ParameterName, 'Also report what the fix would cure, leave and bring')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;probe' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'File with endpoints, one per line, or - for standard input; may be repeated')
            [CompletionResult]::new('--filename', '--filename', [CompletionResultType]::ParameterName, 'File with endpoints, one per line, or - for standard input; may be repeated')
            [CompletionResult]::new('--sni', '--sni', [CompletionResultType]::ParameterName, 'SNI to send, and name to expect in the certificate, instead of the host')
            [CompletionResult]::new('--connect-to', '--connect-to', [CompletionResultType]::ParameterName, 'Connect to this address instead of resolving the host')
            [CompletionResult]::new('--via-proxy', '--via-proxy', [CompletionResultType]::ParameterName, 'Connect through an HTTP proxy; without a URL, the proxy of the environment')
            [CompletionResult]::new('--tls-min', '--tls-min', [CompletionResultType]::ParameterName, 'Lowest TLS version to offer: 1.0, 1.1, 1.2 or 1.3')
            [CompletionResult]::new('--tls-max', '--tls-max', [CompletionResultType]::ParameterName, 'Highest TLS version to offer: 1.0, 1.1, 1.2 or 1.3')
            [CompletionResult]::new('--ciphers', '--ciphers', [CompletionResultType]::ParameterName, 'Cipher suites to offer, by their OpenSSL names, separated by colons')
            [CompletionResult]::new('--alpn', '--alpn', [CompletionResultType]::ParameterName, 'ALPN protocols to offer, separated by commas; empty offers none')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'PEM file of CAs to verify with, instead of those of this machine')
            [CompletionResult]::new('--cert', '--cert', [CompletionResultType]::ParameterName, 'PEM file of the client certificate to offer, with its intermediate CAs')
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'PEM file of the unencrypted key of --cert [default: the file of --cert]')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of one handshake')
            [CompletionResult]::new('--parallel', '--parallel', [CompletionResultType]::ParameterName, 'Number of endpoints to probe at the same time')
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Lowest level of a finding that sets exit code 1')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the report')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the report')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--no-sni', '--no-sni', [CompletionResultType]::ParameterName, 'Send no SNI')
            [CompletionResult]::new('-4', '-4', [CompletionResultType]::ParameterName, 'Use only IPv4 addresses')
            [CompletionResult]::new('--ipv4', '--ipv4', [CompletionResultType]::ParameterName, 'Use only IPv4 addresses')
            [CompletionResult]::new('-6', '-6', [CompletionResultType]::ParameterName, 'Use only IPv6 addresses')
            [CompletionResult]::new('--ipv6', '--ipv6', [CompletionResultType]::ParameterName, 'Use only IPv6 addresses')
            [CompletionResult]::new('--proxy-protocol', '--proxy-protocol', [CompletionResultType]::ParameterName, 'Begin each connection with a PROXY protocol header, as a load balancer does')
            [CompletionResult]::new('--full', '--full', [CompletionResultType]::ParameterName, 'Also find all accepted TLS versions and cipher suites')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
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
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;collect' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid; the namespace of the context is ignored')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid; the namespace of the context is ignored')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Label selector of the ingress pods')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Label selector of the ingress pods')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path of the kubeconfig file')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Kubeconfig context to use')
            [CompletionResult]::new('--contexts', '--contexts', [CompletionResultType]::ParameterName, 'Kubeconfig contexts to run for, each on its own; may be repeated')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'Kubeconfig cluster to use')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Kubeconfig user to use')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'URL of the API server')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'URL of the API server')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'User to impersonate')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Group to impersonate; may be repeated')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'UID to impersonate')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Time limit of a single API request; 0 means no limit [default: 30s]')
            [CompletionResult]::new('--tls-server-name', '--tls-server-name', [CompletionResultType]::ParameterName, 'Server name to verify in the certificate of the API server')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read only the log of this container')
            [CompletionResult]::new('--container', '--container', [CompletionResultType]::ParameterName, 'Read only the log of this container')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Read only records newer than this duration, such as 10m or 2h')
            [CompletionResult]::new('--since-time', '--since-time', [CompletionResultType]::ParameterName, 'Read only records since this time (RFC 3339)')
            [CompletionResult]::new('--tail', '--tail', [CompletionResultType]::ParameterName, 'Maximum number of lines from the end of each log; -1 means all')
            [CompletionResult]::new('--limit-bytes', '--limit-bytes', [CompletionResultType]::ParameterName, 'Maximum number of bytes of each log')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Overrides file (overrides.yaml), or - for standard input; may be repeated')
            [CompletionResult]::new('--overrides', '--overrides', [CompletionResultType]::ParameterName, 'Overrides file (overrides.yaml), or - for standard input; may be repeated')
            [CompletionResult]::new('--access-log', '--access-log', [CompletionResultType]::ParameterName, 'Access log or Cloud Logging export, also .gz, or - for standard input; may be repeated')
            [CompletionResult]::new('--probe', '--probe', [CompletionResultType]::ParameterName, 'Where to test TLS handshakes: with each hostname, without SNI and with an unknown name')
            [CompletionResult]::new('--probe-host', '--probe-host', [CompletionResultType]::ParameterName, 'Additional hostname to probe, besides those of the routes; may be repeated')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'PEM file of the CAs that clients trust; without it, certificate trust is not checked')
            [CompletionResult]::new('--expect', '--expect', [CompletionResultType]::ParameterName, 'Clients that are known to exist, even if they were not seen')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of the run, per context; what was seen by then is reported. 0 means no limit')
            [CompletionResult]::new('--to', '--to', [CompletionResultType]::ParameterName, 'Output: a new file, a folder, or - for standard output')
            [CompletionResult]::new('--case', '--case', [CompletionResultType]::ParameterName, 'Number of the support case')
            [CompletionResult]::new('--note', '--note', [CompletionResultType]::ParameterName, 'Note for support')
            [CompletionResult]::new('--env-group', '--env-group', [CompletionResultType]::ParameterName, 'Environment group with the problem; may be repeated. Without it, all groups found are listed')
            [CompletionResult]::new('--redact', '--redact', [CompletionResultType]::ParameterName, 'Replace these kinds by pseudonyms in the whole bundle; the list of pseudonyms is written beside it')
            [CompletionResult]::new('--redact-map', '--redact-map', [CompletionResultType]::ParameterName, 'New file for the list of pseudonyms [default: beside the bundle]')
            [CompletionResult]::new('--redact-as', '--redact-as', [CompletionResultType]::ParameterName, 'Reuse the pseudonyms of an earlier run, from its list')
            [CompletionResult]::new('--pcap', '--pcap', [CompletionResultType]::ParameterName, 'Packet capture (pcap, pcapng) to include, with secrets masked; may be repeated')
            [CompletionResult]::new('--logs', '--logs', [CompletionResultType]::ParameterName, 'How much of each log to include')
            [CompletionResult]::new('--log-limit', '--log-limit', [CompletionResultType]::ParameterName, 'Maximum number of bytes of resets, warnings and errors to include per container log')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--all-contexts', '--all-contexts', [CompletionResultType]::ParameterName, 'Run for every context of the kubeconfig, in its order')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not verify the certificate of the API server')
            [CompletionResult]::new('--list', '--list', [CompletionResultType]::ParameterName, 'List what would be collected, why and with which right; contact no cluster')
            [CompletionResult]::new('--self-test', '--self-test', [CompletionResultType]::ParameterName, 'Test the redaction with planted secrets, hostnames and addresses of every kind; contact no cluster')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;trace' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid; the namespace of the context is ignored')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid; the namespace of the context is ignored')
            [CompletionResult]::new('-l', '-l', [CompletionResultType]::ParameterName, 'Label selector of the ingress pods')
            [CompletionResult]::new('--selector', '--selector', [CompletionResultType]::ParameterName, 'Label selector of the ingress pods')
            [CompletionResult]::new('--kubeconfig', '--kubeconfig', [CompletionResultType]::ParameterName, 'Path of the kubeconfig file')
            [CompletionResult]::new('--context', '--context', [CompletionResultType]::ParameterName, 'Kubeconfig context to use')
            [CompletionResult]::new('--contexts', '--contexts', [CompletionResultType]::ParameterName, 'Kubeconfig contexts to run for, each on its own; may be repeated')
            [CompletionResult]::new('--cluster', '--cluster', [CompletionResultType]::ParameterName, 'Kubeconfig cluster to use')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'Kubeconfig user to use')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'URL of the API server')
            [CompletionResult]::new('--server', '--server', [CompletionResultType]::ParameterName, 'URL of the API server')
            [CompletionResult]::new('--as', '--as', [CompletionResultType]::ParameterName, 'User to impersonate')
            [CompletionResult]::new('--as-group', '--as-group', [CompletionResultType]::ParameterName, 'Group to impersonate; may be repeated')
            [CompletionResult]::new('--as-uid', '--as-uid', [CompletionResultType]::ParameterName, 'UID to impersonate')
            [CompletionResult]::new('--request-timeout', '--request-timeout', [CompletionResultType]::ParameterName, 'Time limit of a single API request; 0 means no limit [default: 30s]')
            [CompletionResult]::new('--tls-server-name', '--tls-server-name', [CompletionResultType]::ParameterName, 'Server name to verify in the certificate of the API server')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Read only the log of this container')
            [CompletionResult]::new('--container', '--container', [CompletionResultType]::ParameterName, 'Read only the log of this container')
            [CompletionResult]::new('--since', '--since', [CompletionResultType]::ParameterName, 'Read only records newer than this duration, such as 10m or 2h')
            [CompletionResult]::new('--since-time', '--since-time', [CompletionResultType]::ParameterName, 'Read only records since this time (RFC 3339)')
            [CompletionResult]::new('--tail', '--tail', [CompletionResultType]::ParameterName, 'Maximum number of lines from the end of each log; -1 means all')
            [CompletionResult]::new('--limit-bytes', '--limit-bytes', [CompletionResultType]::ParameterName, 'Maximum number of bytes of each log')
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Overrides file (overrides.yaml), or - for standard input; may be repeated')
            [CompletionResult]::new('--overrides', '--overrides', [CompletionResultType]::ParameterName, 'Overrides file (overrides.yaml), or - for standard input; may be repeated')
            [CompletionResult]::new('--access-log', '--access-log', [CompletionResultType]::ParameterName, 'Access log or Cloud Logging export, also .gz, or - for standard input; may be repeated')
            [CompletionResult]::new('--probe', '--probe', [CompletionResultType]::ParameterName, 'Where to test TLS handshakes: with each hostname, without SNI and with an unknown name')
            [CompletionResult]::new('--probe-host', '--probe-host', [CompletionResultType]::ParameterName, 'Additional hostname to probe, besides those of the routes; may be repeated')
            [CompletionResult]::new('--ca-file', '--ca-file', [CompletionResultType]::ParameterName, 'PEM file of the CAs that clients trust; without it, certificate trust is not checked')
            [CompletionResult]::new('--expect', '--expect', [CompletionResultType]::ParameterName, 'Clients that are known to exist, even if they were not seen')
            [CompletionResult]::new('--timeout', '--timeout', [CompletionResultType]::ParameterName, 'Time limit of the run, per context; what was seen by then is reported. 0 means no limit')
            [CompletionResult]::new('--from', '--from', [CompletionResultType]::ParameterName, 'Follow the name in saved evidence or a bundle; contact no cluster. - for standard input')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the result')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the result')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('--no-sni', '--no-sni', [CompletionResultType]::ParameterName, 'Follow clients that send no SNI')
            [CompletionResult]::new('--all-contexts', '--all-contexts', [CompletionResultType]::ParameterName, 'Run for every context of the kubeconfig, in its order')
            [CompletionResult]::new('--insecure-skip-tls-verify', '--insecure-skip-tls-verify', [CompletionResultType]::ParameterName, 'Do not verify the certificate of the API server')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;diff' {
            [CompletionResult]::new('--fail-on', '--fail-on', [CompletionResultType]::ParameterName, 'Lowest level of a new finding that sets exit code 1')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Format of the result')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Format of the result')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;rbac' {
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid')
            [CompletionResult]::new('--namespace', '--namespace', [CompletionResultType]::ParameterName, 'Namespace of Apigee hybrid')
            [CompletionResult]::new('--probe', '--probe', [CompletionResultType]::ParameterName, 'Places to probe, as for diagnose; without pods, no port-forward is needed')
            [CompletionResult]::new('--name', '--name', [CompletionResultType]::ParameterName, 'Name of the Role and its binding')
            [CompletionResult]::new('--user', '--user', [CompletionResultType]::ParameterName, 'User to bind the Role to; may be repeated. Without any subject, no binding is printed')
            [CompletionResult]::new('--group', '--group', [CompletionResultType]::ParameterName, 'Group to bind the Role to; may be repeated')
            [CompletionResult]::new('--serviceaccount', '--serviceaccount', [CompletionResultType]::ParameterName, 'Service account to bind the Role to; may be repeated')
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'kubectl-apigee-tls;explain' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'kubectl-apigee-tls;completion' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'kubectl-apigee-tls;version' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'kubectl-apigee-tls;__complete' {
            [CompletionResult]::new('--color', '--color', [CompletionResultType]::ParameterName, 'When to use colour')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Print progress to standard error')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'kubectl-apigee-tls;help' {
            [CompletionResult]::new('diagnose', 'diagnose', [CompletionResultType]::ParameterValue, 'Run all checks against a cluster or files, and report what is wrong')
            [CompletionResult]::new('probe', 'probe', [CompletionResultType]::ParameterValue, 'Test TLS handshakes with endpoints: with the right SNI, without SNI and with an unknown name')
            [CompletionResult]::new('pcap', 'pcap', [CompletionResultType]::ParameterValue, 'Analyse packet captures: which TLS handshakes fail, how, and for whom')
            [CompletionResult]::new('collect', 'collect', [CompletionResultType]::ParameterValue, 'Run diagnose and write a support bundle')
            [CompletionResult]::new('trace', 'trace', [CompletionResultType]::ParameterValue, 'Follow one server name from the client to overrides.yaml: each link, and which one is broken')
            [CompletionResult]::new('diff', 'diff', [CompletionResultType]::ParameterValue, 'Compare two runs: findings resolved, new and unchanged')
            [CompletionResult]::new('rbac', 'rbac', [CompletionResultType]::ParameterValue, 'Print the minimal Role and binding for a run, as YAML')
            [CompletionResult]::new('explain', 'explain', [CompletionResultType]::ParameterValue, 'Explain a check: what it detects, why it matters and how to fix it; without a code, list all checks')
            [CompletionResult]::new('completion', 'completion', [CompletionResultType]::ParameterValue, 'Print a shell completion script')
            [CompletionResult]::new('version', 'version', [CompletionResultType]::ParameterValue, 'Print the version')
            [CompletionResult]::new('__complete', '__complete', [CompletionResultType]::ParameterValue, 'Print completion candidates for kubectl')
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
        'kubectl-apigee-tls;help;trace' {
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
