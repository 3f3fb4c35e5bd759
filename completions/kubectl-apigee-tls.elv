
use builtin;
use str;

set edit:completion:arg-completer[kubectl-apigee-tls] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'kubectl-apigee-tls'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'kubectl-apigee-tls'= {
            cand --color 'When to use colour'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help'
            cand --help 'Print help'
            cand diagnose 'Run all checks against a cluster or files, and report what is wrong'
            cand probe 'Test TLS handshakes with endpoints: with the right SNI, without SNI and with an unknown name'
            cand pcap 'Analyse packet captures: which TLS handshakes fail, how, and for whom'
            cand collect 'Run diagnose and write a support bundle'
            cand trace 'Follow one server name from the client to overrides.yaml: each link, and which one is broken'
            cand diff 'Compare two runs: findings resolved, new and unchanged'
            cand rbac 'Print the minimal Role and binding for a run, as YAML'
            cand explain 'Explain a check: what it detects, why it matters and how to fix it; without a code, list all checks'
            cand completion 'Print a shell completion script'
            cand version 'Print the version'
            cand __complete 'Print completion candidates for kubectl'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'kubectl-apigee-tls;diagnose'= {
            cand -n 'Namespace of Apigee hybrid; the namespace of the context is ignored'
            cand --namespace 'Namespace of Apigee hybrid; the namespace of the context is ignored'
            cand -l 'Label selector of the ingress pods'
            cand --selector 'Label selector of the ingress pods'
            cand --kubeconfig 'Path of the kubeconfig file'
            cand --context 'Kubeconfig context to use'
            cand --contexts 'Kubeconfig contexts to run for, each on its own; may be repeated'
            cand --cluster 'Kubeconfig cluster to use'
            cand --user 'Kubeconfig user to use'
            cand -s 'URL of the API server'
            cand --server 'URL of the API server'
            cand --as 'User to impersonate'
            cand --as-group 'Group to impersonate; may be repeated'
            cand --as-uid 'UID to impersonate'
            cand --request-timeout 'Time limit of a single API request; 0 means no limit [default: 30s]'
            cand --tls-server-name 'Server name to verify in the certificate of the API server'
            cand -c 'Read only the log of this container'
            cand --container 'Read only the log of this container'
            cand --since 'Read only records newer than this duration, such as 10m or 2h'
            cand --since-time 'Read only records since this time (RFC 3339)'
            cand --tail 'Maximum number of lines from the end of each log; -1 means all'
            cand --limit-bytes 'Maximum number of bytes of each log'
            cand -f 'Overrides file (overrides.yaml), or - for standard input; may be repeated'
            cand --overrides 'Overrides file (overrides.yaml), or - for standard input; may be repeated'
            cand --access-log 'Access log or Cloud Logging export, also .gz, or - for standard input; may be repeated'
            cand --probe 'Where to test TLS handshakes: with each hostname, without SNI and with an unknown name'
            cand --probe-host 'Additional hostname to probe, besides those of the routes; may be repeated'
            cand --ca-file 'PEM file of the CAs that clients trust; without it, certificate trust is not checked'
            cand --expect 'Clients that are known to exist, even if they were not seen'
            cand --timeout 'Time limit of the run, per context; what was seen by then is reported. 0 means no limit'
            cand --from 'Judge saved evidence or a bundle; contact no cluster. - for standard input'
            cand --write-evidence 'Write the evidence to a file, for use with --from'
            cand --only 'Run only these checks: codes, names or families, separated by commas'
            cand --skip 'Skip these checks: codes, names or families, separated by commas'
            cand --fail-on 'Lowest level of a finding that sets exit code 1'
            cand -o 'Format of the report'
            cand --output 'Format of the report'
            cand --color 'When to use colour'
            cand --all-contexts 'Run for every context of the kubeconfig, in its order'
            cand --insecure-skip-tls-verify 'Do not verify the certificate of the API server'
            cand --offline 'Judge only the given files; contact no cluster'
            cand --what-if 'Also report what the fix would cure, leave and bring'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;probe'= {
            cand -f 'File with endpoints, one per line, or - for standard input; may be repeated'
            cand --filename 'File with endpoints, one per line, or - for standard input; may be repeated'
            cand --sni 'SNI to send, and name to expect in the certificate, instead of the host'
            cand --connect-to 'Connect to this address instead of resolving the host'
            cand --via-proxy 'Connect through an HTTP proxy; without a URL, the proxy of the environment'
            cand --tls-min 'Lowest TLS version to offer: 1.0, 1.1, 1.2 or 1.3'
            cand --tls-max 'Highest TLS version to offer: 1.0, 1.1, 1.2 or 1.3'
            cand --ciphers 'Cipher suites to offer, by their OpenSSL names, separated by colons'
            cand --alpn 'ALPN protocols to offer, separated by commas; empty offers none'
            cand --ca-file 'PEM file of CAs to verify with, instead of those of this machine'
            cand --cert 'PEM file of the client certificate to offer, with its intermediate CAs'
            cand --key 'PEM file of the unencrypted key of --cert [default: the file of --cert]'
            cand --timeout 'Time limit of one handshake'
            cand --parallel 'Number of endpoints to probe at the same time'
            cand --fail-on 'Lowest level of a finding that sets exit code 1'
            cand -o 'Format of the report'
            cand --output 'Format of the report'
            cand --color 'When to use colour'
            cand --no-sni 'Send no SNI'
            cand -4 'Use only IPv4 addresses'
            cand --ipv4 'Use only IPv4 addresses'
            cand -6 'Use only IPv6 addresses'
            cand --ipv6 'Use only IPv6 addresses'
            cand --proxy-protocol 'Begin each connection with a PROXY protocol header, as a load balancer does'
            cand --full 'Also find all accepted TLS versions and cipher suites'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;pcap'= {
            cand --host 'Only connections with this address at either end; may be repeated'
            cand --port 'Only connections to this port of the server; may be repeated'
            cand --sni 'Only connections with this SNI, an empty name for those without; *.example.com takes all names below'
            cand --client 'Only connections of this client; may be repeated'
            cand --since 'Only connections that began at this time or later (RFC 3339)'
            cand --until 'Only connections that began before this time (RFC 3339)'
            cand --write 'Write the packets of failing handshakes to this new file (pcapng)'
            cand --fail-on 'Lowest level of a failure that makes the exit code 1'
            cand -o 'Format of the report; wide adds a line for each connection, jsonl prints each connection as JSON when it is over'
            cand --output 'Format of the report; wide adds a line for each connection, jsonl prints each connection as JSON when it is over'
            cand --color 'When to use colour'
            cand --failed 'Only connections whose handshake failed'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;collect'= {
            cand -n 'Namespace of Apigee hybrid; the namespace of the context is ignored'
            cand --namespace 'Namespace of Apigee hybrid; the namespace of the context is ignored'
            cand -l 'Label selector of the ingress pods'
            cand --selector 'Label selector of the ingress pods'
            cand --kubeconfig 'Path of the kubeconfig file'
            cand --context 'Kubeconfig context to use'
            cand --contexts 'Kubeconfig contexts to run for, each on its own; may be repeated'
            cand --cluster 'Kubeconfig cluster to use'
            cand --user 'Kubeconfig user to use'
            cand -s 'URL of the API server'
            cand --server 'URL of the API server'
            cand --as 'User to impersonate'
            cand --as-group 'Group to impersonate; may be repeated'
            cand --as-uid 'UID to impersonate'
            cand --request-timeout 'Time limit of a single API request; 0 means no limit [default: 30s]'
            cand --tls-server-name 'Server name to verify in the certificate of the API server'
            cand -c 'Read only the log of this container'
            cand --container 'Read only the log of this container'
            cand --since 'Read only records newer than this duration, such as 10m or 2h'
            cand --since-time 'Read only records since this time (RFC 3339)'
            cand --tail 'Maximum number of lines from the end of each log; -1 means all'
            cand --limit-bytes 'Maximum number of bytes of each log'
            cand -f 'Overrides file (overrides.yaml), or - for standard input; may be repeated'
            cand --overrides 'Overrides file (overrides.yaml), or - for standard input; may be repeated'
            cand --access-log 'Access log or Cloud Logging export, also .gz, or - for standard input; may be repeated'
            cand --probe 'Where to test TLS handshakes: with each hostname, without SNI and with an unknown name'
            cand --probe-host 'Additional hostname to probe, besides those of the routes; may be repeated'
            cand --ca-file 'PEM file of the CAs that clients trust; without it, certificate trust is not checked'
            cand --expect 'Clients that are known to exist, even if they were not seen'
            cand --timeout 'Time limit of the run, per context; what was seen by then is reported. 0 means no limit'
            cand --to 'Output: a new file, a folder, or - for standard output'
            cand --case 'Number of the support case'
            cand --note 'Note for support'
            cand --env-group 'Environment group with the problem; may be repeated. Without it, all groups found are listed'
            cand --redact 'Replace these kinds by pseudonyms in the whole bundle; the list of pseudonyms is written beside it'
            cand --redact-map 'New file for the list of pseudonyms [default: beside the bundle]'
            cand --redact-as 'Reuse the pseudonyms of an earlier run, from its list'
            cand --pcap 'Packet capture (pcap, pcapng) to include, with secrets masked; may be repeated'
            cand --logs 'How much of each log to include'
            cand --log-limit 'Maximum number of bytes of resets, warnings and errors to include per container log'
            cand --color 'When to use colour'
            cand --all-contexts 'Run for every context of the kubeconfig, in its order'
            cand --insecure-skip-tls-verify 'Do not verify the certificate of the API server'
            cand --list 'List what would be collected, why and with which right; contact no cluster'
            cand --self-test 'Test the redaction with planted secrets, hostnames and addresses of every kind; contact no cluster'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;trace'= {
            cand -n 'Namespace of Apigee hybrid; the namespace of the context is ignored'
            cand --namespace 'Namespace of Apigee hybrid; the namespace of the context is ignored'
            cand -l 'Label selector of the ingress pods'
            cand --selector 'Label selector of the ingress pods'
            cand --kubeconfig 'Path of the kubeconfig file'
            cand --context 'Kubeconfig context to use'
            cand --contexts 'Kubeconfig contexts to run for, each on its own; may be repeated'
            cand --cluster 'Kubeconfig cluster to use'
            cand --user 'Kubeconfig user to use'
            cand -s 'URL of the API server'
            cand --server 'URL of the API server'
            cand --as 'User to impersonate'
            cand --as-group 'Group to impersonate; may be repeated'
            cand --as-uid 'UID to impersonate'
            cand --request-timeout 'Time limit of a single API request; 0 means no limit [default: 30s]'
            cand --tls-server-name 'Server name to verify in the certificate of the API server'
            cand -c 'Read only the log of this container'
            cand --container 'Read only the log of this container'
            cand --since 'Read only records newer than this duration, such as 10m or 2h'
            cand --since-time 'Read only records since this time (RFC 3339)'
            cand --tail 'Maximum number of lines from the end of each log; -1 means all'
            cand --limit-bytes 'Maximum number of bytes of each log'
            cand -f 'Overrides file (overrides.yaml), or - for standard input; may be repeated'
            cand --overrides 'Overrides file (overrides.yaml), or - for standard input; may be repeated'
            cand --access-log 'Access log or Cloud Logging export, also .gz, or - for standard input; may be repeated'
            cand --probe 'Where to test TLS handshakes: with each hostname, without SNI and with an unknown name'
            cand --probe-host 'Additional hostname to probe, besides those of the routes; may be repeated'
            cand --ca-file 'PEM file of the CAs that clients trust; without it, certificate trust is not checked'
            cand --expect 'Clients that are known to exist, even if they were not seen'
            cand --timeout 'Time limit of the run, per context; what was seen by then is reported. 0 means no limit'
            cand --from 'Follow the name in saved evidence or a bundle; contact no cluster. - for standard input'
            cand -o 'Format of the result'
            cand --output 'Format of the result'
            cand --color 'When to use colour'
            cand --no-sni 'Follow clients that send no SNI'
            cand --all-contexts 'Run for every context of the kubeconfig, in its order'
            cand --insecure-skip-tls-verify 'Do not verify the certificate of the API server'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;diff'= {
            cand --fail-on 'Lowest level of a new finding that sets exit code 1'
            cand -o 'Format of the result'
            cand --output 'Format of the result'
            cand --color 'When to use colour'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;rbac'= {
            cand -n 'Namespace of Apigee hybrid'
            cand --namespace 'Namespace of Apigee hybrid'
            cand --probe 'Places to probe, as for diagnose; without pods, no port-forward is needed'
            cand --name 'Name of the Role and its binding'
            cand --user 'User to bind the Role to; may be repeated. Without any subject, no binding is printed'
            cand --group 'Group to bind the Role to; may be repeated'
            cand --serviceaccount 'Service account to bind the Role to; may be repeated'
            cand --color 'When to use colour'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;explain'= {
            cand --color 'When to use colour'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'kubectl-apigee-tls;completion'= {
            cand --color 'When to use colour'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'kubectl-apigee-tls;version'= {
            cand --color 'When to use colour'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'kubectl-apigee-tls;__complete'= {
            cand --color 'When to use colour'
            cand -v 'Print progress to standard error'
            cand --verbose 'Print progress to standard error'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'kubectl-apigee-tls;help'= {
            cand diagnose 'Run all checks against a cluster or files, and report what is wrong'
            cand probe 'Test TLS handshakes with endpoints: with the right SNI, without SNI and with an unknown name'
            cand pcap 'Analyse packet captures: which TLS handshakes fail, how, and for whom'
            cand collect 'Run diagnose and write a support bundle'
            cand trace 'Follow one server name from the client to overrides.yaml: each link, and which one is broken'
            cand diff 'Compare two runs: findings resolved, new and unchanged'
            cand rbac 'Print the minimal Role and binding for a run, as YAML'
            cand explain 'Explain a check: what it detects, why it matters and how to fix it; without a code, list all checks'
            cand completion 'Print a shell completion script'
            cand version 'Print the version'
            cand __complete 'Print completion candidates for kubectl'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'kubectl-apigee-tls;help;diagnose'= {
        }
        &'kubectl-apigee-tls;help;probe'= {
        }
        &'kubectl-apigee-tls;help;pcap'= {
        }
        &'kubectl-apigee-tls;help;collect'= {
        }
        &'kubectl-apigee-tls;help;trace'= {
        }
        &'kubectl-apigee-tls;help;diff'= {
        }
        &'kubectl-apigee-tls;help;rbac'= {
        }
        &'kubectl-apigee-tls;help;explain'= {
        }
        &'kubectl-apigee-tls;help;completion'= {
        }
        &'kubectl-apigee-tls;help;version'= {
        }
        &'kubectl-apigee-tls;help;__complete'= {
        }
        &'kubectl-apigee-tls;help;help'= {
        }
    ]
    $completions[$command]
}
