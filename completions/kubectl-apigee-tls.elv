
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
            cand -v 'Tell on standard error what is done; twice for more'
            cand --verbose 'Tell on standard error what is done; twice for more'
            cand -h 'Print help'
            cand --help 'Print help'
            cand diagnose 'Run the checklist against the cluster, or against files, and say what is wrong'
            cand probe 'Shake hands with endpoints: with the right server name, with none and with a wrong one'
            cand pcap 'Analyse packet captures: which TLS handshakes fail, how, and for whom'
            cand collect 'Do the same, and write the support bundle'
            cand diff 'Hold two runs side by side: what is gone, what is new, what is still there'
            cand rbac 'Print the least Role that a run needs, and its binding, as YAML'
            cand explain 'Show what a check looks for, why it matters and how it is fixed; without a code the catalogue'
            cand completion 'Print the completion script of a shell'
            cand version 'Print the version'
            cand __complete 'Candidates for the words typed so far, as kubectl''s completion asks for them'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'kubectl-apigee-tls;diagnose'= {
            cand -n 'Namespace of Apigee hybrid; the context''s own namespace is not used'
            cand --namespace 'Namespace of Apigee hybrid; the context''s own namespace is not used'
            cand -l 'Label selector of the ingress pods'
            cand --selector 'Label selector of the ingress pods'
            cand --kubeconfig 'Path of the kubeconfig'
            cand --context 'Context of the kubeconfig'
            cand --contexts 'Contexts of the kubeconfig, each asked as if it were given alone; may be repeated'
            cand --cluster 'Cluster of the kubeconfig'
            cand --user 'User of the kubeconfig'
            cand -s 'Address of the API server'
            cand --server 'Address of the API server'
            cand --as 'User to act as'
            cand --as-group 'Group to act as; may be repeated'
            cand --as-uid 'User id to act as'
            cand --request-timeout 'Time for one request to the API server, 0 for no limit; 30s where not given'
            cand --tls-server-name 'Name to expect in the certificate of the API server'
            cand -c 'Read the log of this container only'
            cand --container 'Read the log of this container only'
            cand --since 'Only records younger than this, as 10m or 2h'
            cand --since-time 'Only records from this moment on (RFC 3339)'
            cand --tail 'Only so many lines from the end of each log; -1 for all'
            cand --limit-bytes 'Only so many bytes of each log'
            cand -f 'An overrides.yaml, - for standard input; may be repeated'
            cand --overrides 'An overrides.yaml, - for standard input; may be repeated'
            cand --access-log 'An access log or an export of Cloud Logging, also .gz, - for standard input; may be repeated'
            cand --probe 'Where to shake hands, with each hostname, without one and with a wrong one'
            cand --probe-host 'A hostname to probe beside those of the routes; may be repeated'
            cand --ca-file 'Authorities that the clients trust (PEM); without, it is not judged who issued a certificate'
            cand --expect 'Clients that exist whether or not they were seen'
            cand --timeout 'Time for the whole run, of several contexts for each; what was seen until then is reported. 0 is no limit'
            cand --from 'Judge evidence that was written before, ask no cluster; - for standard input'
            cand --write-evidence 'Write the evidence to a file, for --from'
            cand --only 'Judge only these checks: codes, names or families'
            cand --skip 'Leave these checks out: codes, names or families'
            cand --fail-on 'From which level on a finding makes the exit code 1'
            cand -o 'Format of the report'
            cand --output 'Format of the report'
            cand --color 'When to use colour'
            cand --all-contexts 'Every context of the kubeconfig, in its order'
            cand --insecure-skip-tls-verify 'Do not verify the certificate of the API server'
            cand --offline 'Judge the files given, ask no cluster'
            cand -v 'Tell on standard error what is done; twice for more'
            cand --verbose 'Tell on standard error what is done; twice for more'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;probe'= {
            cand -f 'A file with endpoints, one per line, - for standard input; may be repeated'
            cand --filename 'A file with endpoints, one per line, - for standard input; may be repeated'
            cand --sni 'Server name to send and to expect, instead of the host'
            cand --connect-to 'Connect to this address instead of those that the host has'
            cand --via-proxy 'Connect through an HTTP proxy; without a URL the one that the environment names'
            cand --tls-min 'Lowest version to offer: 1.0, 1.1, 1.2 or 1.3'
            cand --tls-max 'Highest version to offer'
            cand --ciphers 'Cipher suites to offer, as OpenSSL names them, separated by colons'
            cand --alpn 'Protocols to offer by ALPN, separated by commas; empty offers none'
            cand --ca-file 'Authorities to verify with (PEM), instead of those of this machine'
            cand --cert 'Client certificate to offer (PEM), with what leads to its authority'
            cand --key 'Its key (PEM, not encrypted); without, the file of the certificate holds it'
            cand --timeout 'Time for one handshake'
            cand --parallel 'Endpoints to probe at the same time'
            cand --fail-on 'From which level on a finding makes the exit code 1'
            cand -o 'Format of the report'
            cand --output 'Format of the report'
            cand --color 'When to use colour'
            cand --no-sni 'Send no server name, as a client without SNI'
            cand -4 'Use IPv4 addresses only'
            cand --ipv4 'Use IPv4 addresses only'
            cand -6 'Use IPv6 addresses only'
            cand --ipv6 'Use IPv6 addresses only'
            cand --proxy-protocol 'Begin each connection with a PROXY header, as a load balancer would'
            cand --full 'Find out every version and cipher suite too'
            cand -v 'Tell on standard error what is done; twice for more'
            cand --verbose 'Tell on standard error what is done; twice for more'
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
            cand -v 'Tell on standard error what is done; twice for more'
            cand --verbose 'Tell on standard error what is done; twice for more'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;collect'= {
            cand -n 'Namespace of Apigee hybrid; the context''s own namespace is not used'
            cand --namespace 'Namespace of Apigee hybrid; the context''s own namespace is not used'
            cand -l 'Label selector of the ingress pods'
            cand --selector 'Label selector of the ingress pods'
            cand --kubeconfig 'Path of the kubeconfig'
            cand --context 'Context of the kubeconfig'
            cand --contexts 'Contexts of the kubeconfig, each asked as if it were given alone; may be repeated'
            cand --cluster 'Cluster of the kubeconfig'
            cand --user 'User of the kubeconfig'
            cand -s 'Address of the API server'
            cand --server 'Address of the API server'
            cand --as 'User to act as'
            cand --as-group 'Group to act as; may be repeated'
            cand --as-uid 'User id to act as'
            cand --request-timeout 'Time for one request to the API server, 0 for no limit; 30s where not given'
            cand --tls-server-name 'Name to expect in the certificate of the API server'
            cand -c 'Read the log of this container only'
            cand --container 'Read the log of this container only'
            cand --since 'Only records younger than this, as 10m or 2h'
            cand --since-time 'Only records from this moment on (RFC 3339)'
            cand --tail 'Only so many lines from the end of each log; -1 for all'
            cand --limit-bytes 'Only so many bytes of each log'
            cand -f 'An overrides.yaml, - for standard input; may be repeated'
            cand --overrides 'An overrides.yaml, - for standard input; may be repeated'
            cand --access-log 'An access log or an export of Cloud Logging, also .gz, - for standard input; may be repeated'
            cand --probe 'Where to shake hands, with each hostname, without one and with a wrong one'
            cand --probe-host 'A hostname to probe beside those of the routes; may be repeated'
            cand --ca-file 'Authorities that the clients trust (PEM); without, it is not judged who issued a certificate'
            cand --expect 'Clients that exist whether or not they were seen'
            cand --timeout 'Time for the whole run, of several contexts for each; what was seen until then is reported. 0 is no limit'
            cand --to 'Where the bundle goes: a new file, a folder, or - for standard output'
            cand --case 'Number of the support case'
            cand --note 'A word to support'
            cand --env-group 'An environment group with the problem; may be repeated. Without, all that are found are listed'
            cand --redact 'Replace these by pseudonyms in all of the bundle; what they stand for is written beside it'
            cand --redact-map 'Where the list of pseudonyms goes, a new file; without, beside the bundle'
            cand --redact-as 'Give the same pseudonyms as an earlier run, whose list this is'
            cand --pcap 'A packet capture (pcap, pcapng) to keep, with secrets masked; may be repeated'
            cand --logs 'How much of each log goes into the bundle'
            cand --log-limit 'Bytes of resets and complaints that are kept of one container''s log'
            cand --color 'When to use colour'
            cand --all-contexts 'Every context of the kubeconfig, in its order'
            cand --insecure-skip-tls-verify 'Do not verify the certificate of the API server'
            cand --list 'Show what would be collected, why, and by which right; ask nothing'
            cand --self-test 'Plant a secret, a hostname and an address of every kind, redact, and show that none comes out; ask nothing'
            cand -v 'Tell on standard error what is done; twice for more'
            cand --verbose 'Tell on standard error what is done; twice for more'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;diff'= {
            cand --fail-on 'From which level on a new finding makes the exit code 1'
            cand -o 'Format of the result'
            cand --output 'Format of the result'
            cand --color 'When to use colour'
            cand -v 'Tell on standard error what is done; twice for more'
            cand --verbose 'Tell on standard error what is done; twice for more'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;rbac'= {
            cand -n 'Namespace of Apigee hybrid'
            cand --namespace 'Namespace of Apigee hybrid'
            cand --probe 'Where handshakes are to be made, as diagnose takes it; without pods no port-forward is needed'
            cand --name 'Name of the Role and its binding'
            cand --user 'User to bind the Role to; may be repeated. Without any subject no binding is printed'
            cand --group 'Group to bind it to; may be repeated'
            cand --serviceaccount 'Service account to bind it to; may be repeated'
            cand --color 'When to use colour'
            cand -v 'Tell on standard error what is done; twice for more'
            cand --verbose 'Tell on standard error what is done; twice for more'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'kubectl-apigee-tls;explain'= {
            cand --color 'When to use colour'
            cand -v 'Tell on standard error what is done; twice for more'
            cand --verbose 'Tell on standard error what is done; twice for more'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'kubectl-apigee-tls;completion'= {
            cand --color 'When to use colour'
            cand -v 'Tell on standard error what is done; twice for more'
            cand --verbose 'Tell on standard error what is done; twice for more'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'kubectl-apigee-tls;version'= {
            cand --color 'When to use colour'
            cand -v 'Tell on standard error what is done; twice for more'
            cand --verbose 'Tell on standard error what is done; twice for more'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'kubectl-apigee-tls;__complete'= {
            cand --color 'When to use colour'
            cand -v 'Tell on standard error what is done; twice for more'
            cand --verbose 'Tell on standard error what is done; twice for more'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'kubectl-apigee-tls;help'= {
            cand diagnose 'Run the checklist against the cluster, or against files, and say what is wrong'
            cand probe 'Shake hands with endpoints: with the right server name, with none and with a wrong one'
            cand pcap 'Analyse packet captures: which TLS handshakes fail, how, and for whom'
            cand collect 'Do the same, and write the support bundle'
            cand diff 'Hold two runs side by side: what is gone, what is new, what is still there'
            cand rbac 'Print the least Role that a run needs, and its binding, as YAML'
            cand explain 'Show what a check looks for, why it matters and how it is fixed; without a code the catalogue'
            cand completion 'Print the completion script of a shell'
            cand version 'Print the version'
            cand __complete 'Candidates for the words typed so far, as kubectl''s completion asks for them'
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
