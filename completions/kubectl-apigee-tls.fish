# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_kubectl_apigee_tls_global_optspecs
    string join \n color= v/verbose h/help
end

function __fish_kubectl_apigee_tls_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_kubectl_apigee_tls_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_kubectl_apigee_tls_using_subcommand
    set -l cmd (__fish_kubectl_apigee_tls_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -s h -l help -d 'Print help'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "diagnose" -d 'Run all checks against a cluster or files, and report what is wrong'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "probe" -d 'Test TLS handshakes with endpoints: with the right SNI, without SNI and with an unknown name'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "pcap" -d 'Analyse packet captures: which TLS handshakes fail, how, and for whom'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "collect" -d 'Run diagnose and write a support bundle'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "trace" -d 'Follow one server name from the client to overrides.yaml: each link, and which one is broken'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "diff" -d 'Compare two runs: findings resolved, new and unchanged'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "rbac" -d 'Print the minimal Role and binding for a run, as YAML'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "explain" -d 'Explain a check: what it detects, why it matters and how to fix it; without a code, list all checks'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "completion" -d 'Print a shell completion script'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "version" -d 'Print the version'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "__complete" -d 'Print completion candidates for kubectl'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -s n -l namespace -d 'Namespace of Apigee hybrid; the namespace of the context is ignored' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -s l -l selector -d 'Label selector of the ingress pods' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l contexts -d 'Kubeconfig contexts to run for, each on its own; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l as -d 'User to impersonate' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l request-timeout -d 'Time limit of a single API request; 0 means no limit [default: 30s]' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l tls-server-name -d 'Server name to verify in the certificate of the API server' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -s c -l container -d 'Read only the log of this container' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l since -d 'Read only records newer than this duration, such as 10m or 2h' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l since-time -d 'Read only records since this time (RFC 3339)' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l tail -d 'Maximum number of lines from the end of each log; -1 means all' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l limit-bytes -d 'Maximum number of bytes of each log' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -s f -l overrides -d 'Overrides file (overrides.yaml), or - for standard input; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l access-log -d 'Access log or Cloud Logging export, also .gz, or - for standard input; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l probe -d 'Where to test TLS handshakes: with each hostname, without SNI and with an unknown name' -r -f -a "pods\t'Every ingress pod, through port-forwards of the API server'
services\t'The addresses of the Services of the ingress pods'
dns\t'The addresses that DNS returns on this machine'
none\t'No handshakes'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l probe-host -d 'Additional hostname to probe, besides those of the routes; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l ca-file -d 'PEM file of the CAs that clients trust; without it, certificate trust is not checked' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l expect -d 'Clients that are known to exist, even if they were not seen' -r -f -a "non-sni\t'Clients that send no SNI'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l timeout -d 'Time limit of the run, per context; what was seen by then is reported. 0 means no limit' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l from -d 'Judge saved evidence or a bundle; contact no cluster. - for standard input' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l write-evidence -d 'Write the evidence to a file, for use with --from' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l only -d 'Run only these checks: codes, names or families, separated by commas' -r -f -a "client\t'family AT1xx'
route\t'family AT2xx'
overrides\t'family AT3xx'
certificate\t'family AT4xx'
handshake\t'family AT5xx'
platform\t'family AT8xx'
AT101\t'connection-without-server-name-reset'
AT102\t'unknown-server-name-reset'
AT103\t'declared-server-name-reset'
AT104\t'load-balancer-reset'
AT105\t'client-without-sni-unrouted'
AT106\t'expected-client-without-sni-refused'
AT107\t'log-window-incomplete'
AT108\t'served-client-without-wildcard'
AT109\t'access-log-unconfirmed'
AT110\t'host-without-route-on-connection'
AT120\t'connections-without-filter-chain-counted'
AT201\t'wildcard-route-missing'
AT202\t'wildcard-route-flag-off'
AT203\t'wildcard-route-unattached'
AT204\t'wildcard-route-partly-attached'
AT205\t'route-config-drift'
AT206\t'wildcard-route-duplicate'
AT207\t'selector-without-pods'
AT208\t'wildcard-port-unsuitable'
AT209\t'credential-name-missing'
AT210\t'credential-secret-missing'
AT211\t'route-not-running'
AT212\t'route-error'
AT213\t'additional-gateway-dangling'
AT214\t'ingress-pod-without-wildcard'
AT215\t'environment-group-without-route'
AT301\t'overrides-malformed'
AT302\t'overrides-key-duplicate'
AT303\t'virtual-host-duplicate'
AT304\t'virtual-host-key-unknown'
AT305\t'overrides-type-wrong'
AT306\t'wildcard-gateway-unlisted'
AT307\t'helm-upgrade-pending'
AT308\t'overrides-outdated'
AT309\t'virtual-host-undeployed'
AT310\t'virtual-host-unlisted'
AT311\t'virtual-host-without-certificate'
AT312\t'ingress-name-unknown'
AT313\t'ingress-name-too-long'
AT314\t'overrides-documents-several'
AT315\t'virtual-hosts-missing'
AT401\t'stored-certificate-absent'
AT402\t'stored-certificate-malformed'
AT403\t'private-key-mismatch'
AT404\t'private-key-unreadable'
AT405\t'stored-certificate-expired'
AT406\t'stored-certificate-not-yet-valid'
AT407\t'stored-certificate-expiring'
AT408\t'stored-certificate-name-mismatch'
AT409\t'stored-chain-incomplete'
AT410\t'client-authorities-absent'
AT411\t'client-authorities-malformed'
AT412\t'client-authority-expired'
AT413\t'client-authority-expiring'
AT414\t'stored-certificate-not-served'
AT415\t'stored-chain-misordered'
AT416\t'wildcard-certificate-name-mismatch'
AT417\t'certificate-file-undeployed'
AT418\t'certificate-file-unfit'
AT419\t'wildcard-certificate-incomplete'
AT501\t'server-name-required'
AT502\t'endpoint-unreachable'
AT503\t'peer-not-tls'
AT504\t'server-name-refused'
AT505\t'client-without-server-name-refused'
AT506\t'protocol-version-refused'
AT507\t'cipher-suite-refused'
AT508\t'protocol-by-alpn-refused'
AT509\t'client-certificate-demanded'
AT510\t'client-certificate-asked'
AT511\t'client-certificate-rejected'
AT512\t'handshake-stalled'
AT513\t'handshake-broken'
AT514\t'served-certificate-expired'
AT515\t'served-certificate-not-yet-valid'
AT516\t'served-certificate-expiring'
AT517\t'served-certificate-name-mismatch'
AT518\t'served-chain-incomplete'
AT519\t'served-chain-misordered'
AT520\t'served-chain-untrusted'
AT521\t'served-certificate-self-signed'
AT522\t'served-certificate-weak'
AT523\t'addresses-differ'
AT524\t'pods-differ'
AT525\t'load-balancer-differs'
AT526\t'route-not-in-gateway'
AT527\t'gateway-chain-without-route'
AT528\t'protocol-limits-unmet'
AT529\t'address-out-of-reach'
AT530\t'served-certificate-not-for-servers'
AT531\t'pods-serve-different-certificates'
AT801\t'ingress-pod-missing'
AT802\t'ingress-pod-not-running'
AT803\t'ingress-pod-restarted'
AT804\t'service-missing'
AT805\t'service-port-missing'
AT806\t'access-log-off'
AT807\t'access-log-format-unknown'
AT808\t'apigee-issue-open'
AT809\t'route-kind-missing'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l skip -d 'Skip these checks: codes, names or families, separated by commas' -r -f -a "client\t'family AT1xx'
route\t'family AT2xx'
overrides\t'family AT3xx'
certificate\t'family AT4xx'
handshake\t'family AT5xx'
platform\t'family AT8xx'
AT101\t'connection-without-server-name-reset'
AT102\t'unknown-server-name-reset'
AT103\t'declared-server-name-reset'
AT104\t'load-balancer-reset'
AT105\t'client-without-sni-unrouted'
AT106\t'expected-client-without-sni-refused'
AT107\t'log-window-incomplete'
AT108\t'served-client-without-wildcard'
AT109\t'access-log-unconfirmed'
AT110\t'host-without-route-on-connection'
AT120\t'connections-without-filter-chain-counted'
AT201\t'wildcard-route-missing'
AT202\t'wildcard-route-flag-off'
AT203\t'wildcard-route-unattached'
AT204\t'wildcard-route-partly-attached'
AT205\t'route-config-drift'
AT206\t'wildcard-route-duplicate'
AT207\t'selector-without-pods'
AT208\t'wildcard-port-unsuitable'
AT209\t'credential-name-missing'
AT210\t'credential-secret-missing'
AT211\t'route-not-running'
AT212\t'route-error'
AT213\t'additional-gateway-dangling'
AT214\t'ingress-pod-without-wildcard'
AT215\t'environment-group-without-route'
AT301\t'overrides-malformed'
AT302\t'overrides-key-duplicate'
AT303\t'virtual-host-duplicate'
AT304\t'virtual-host-key-unknown'
AT305\t'overrides-type-wrong'
AT306\t'wildcard-gateway-unlisted'
AT307\t'helm-upgrade-pending'
AT308\t'overrides-outdated'
AT309\t'virtual-host-undeployed'
AT310\t'virtual-host-unlisted'
AT311\t'virtual-host-without-certificate'
AT312\t'ingress-name-unknown'
AT313\t'ingress-name-too-long'
AT314\t'overrides-documents-several'
AT315\t'virtual-hosts-missing'
AT401\t'stored-certificate-absent'
AT402\t'stored-certificate-malformed'
AT403\t'private-key-mismatch'
AT404\t'private-key-unreadable'
AT405\t'stored-certificate-expired'
AT406\t'stored-certificate-not-yet-valid'
AT407\t'stored-certificate-expiring'
AT408\t'stored-certificate-name-mismatch'
AT409\t'stored-chain-incomplete'
AT410\t'client-authorities-absent'
AT411\t'client-authorities-malformed'
AT412\t'client-authority-expired'
AT413\t'client-authority-expiring'
AT414\t'stored-certificate-not-served'
AT415\t'stored-chain-misordered'
AT416\t'wildcard-certificate-name-mismatch'
AT417\t'certificate-file-undeployed'
AT418\t'certificate-file-unfit'
AT419\t'wildcard-certificate-incomplete'
AT501\t'server-name-required'
AT502\t'endpoint-unreachable'
AT503\t'peer-not-tls'
AT504\t'server-name-refused'
AT505\t'client-without-server-name-refused'
AT506\t'protocol-version-refused'
AT507\t'cipher-suite-refused'
AT508\t'protocol-by-alpn-refused'
AT509\t'client-certificate-demanded'
AT510\t'client-certificate-asked'
AT511\t'client-certificate-rejected'
AT512\t'handshake-stalled'
AT513\t'handshake-broken'
AT514\t'served-certificate-expired'
AT515\t'served-certificate-not-yet-valid'
AT516\t'served-certificate-expiring'
AT517\t'served-certificate-name-mismatch'
AT518\t'served-chain-incomplete'
AT519\t'served-chain-misordered'
AT520\t'served-chain-untrusted'
AT521\t'served-certificate-self-signed'
AT522\t'served-certificate-weak'
AT523\t'addresses-differ'
AT524\t'pods-differ'
AT525\t'load-balancer-differs'
AT526\t'route-not-in-gateway'
AT527\t'gateway-chain-without-route'
AT528\t'protocol-limits-unmet'
AT529\t'address-out-of-reach'
AT530\t'served-certificate-not-for-servers'
AT531\t'pods-serve-different-certificates'
AT801\t'ingress-pod-missing'
AT802\t'ingress-pod-not-running'
AT803\t'ingress-pod-restarted'
AT804\t'service-missing'
AT805\t'service-port-missing'
AT806\t'access-log-off'
AT807\t'access-log-format-unknown'
AT808\t'apigee-issue-open'
AT809\t'route-kind-missing'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l fail-on -d 'Lowest level of a finding that sets exit code 1' -r -f -a "error\t''
warning\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -s o -l output -d 'Format of the report' -r -f -a "text\t''
wide\t'Text with every pod, stream and check'
json\t''
yaml\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l all-contexts -d 'Run for every context of the kubeconfig, in its order'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l insecure-skip-tls-verify -d 'Do not verify the certificate of the API server'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l offline -d 'Judge only the given files; contact no cluster'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -l what-if -d 'Also report what the fix would cure, leave and bring'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diagnose" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -s f -l filename -d 'File with endpoints, one per line, or - for standard input; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l sni -d 'SNI to send, and name to expect in the certificate, instead of the host' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l connect-to -d 'Connect to this address instead of resolving the host' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l via-proxy -d 'Connect through an HTTP proxy; without a URL, the proxy of the environment' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l tls-min -d 'Lowest TLS version to offer: 1.0, 1.1, 1.2 or 1.3' -r -f -a "1.0\t''
1.1\t''
1.2\t''
1.3\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l tls-max -d 'Highest TLS version to offer: 1.0, 1.1, 1.2 or 1.3' -r -f -a "1.0\t''
1.1\t''
1.2\t''
1.3\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l ciphers -d 'Cipher suites to offer, by their OpenSSL names, separated by colons' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l alpn -d 'ALPN protocols to offer, separated by commas; empty offers none' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l ca-file -d 'PEM file of CAs to verify with, instead of those of this machine' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l cert -d 'PEM file of the client certificate to offer, with its intermediate CAs' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l key -d 'PEM file of the unencrypted key of --cert [default: the file of --cert]' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l timeout -d 'Time limit of one handshake' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l parallel -d 'Number of endpoints to probe at the same time' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l fail-on -d 'Lowest level of a finding that sets exit code 1' -r -f -a "error\t''
warning\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -s o -l output -d 'Format of the report' -r -f -a "text\t''
wide\t'Text with every pod, stream and check'
json\t''
yaml\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l no-sni -d 'Send no SNI'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -s 4 -l ipv4 -d 'Use only IPv4 addresses'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -s 6 -l ipv6 -d 'Use only IPv6 addresses'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l proxy-protocol -d 'Begin each connection with a PROXY protocol header, as a load balancer does'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -l full -d 'Also find all accepted TLS versions and cipher suites'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand probe" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -l host -d 'Only connections with this address at either end; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -l port -d 'Only connections to this port of the server; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -l sni -d 'Only connections with this SNI, an empty name for those without; *.example.com takes all names below' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -l client -d 'Only connections of this client; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -l since -d 'Only connections that began at this time or later (RFC 3339)' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -l until -d 'Only connections that began before this time (RFC 3339)' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -l write -d 'Write the packets of failing handshakes to this new file (pcapng)' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -l fail-on -d 'Lowest level of a failure that makes the exit code 1' -r -f -a "error\t''
warning\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -s o -l output -d 'Format of the report; wide adds a line for each connection, jsonl prints each connection as JSON when it is over' -r -f -a "text\t''
wide\t'Text, with a line for each connection'
json\t''
yaml\t''
jsonl\t'One connection per line, as JSON'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -l failed -d 'Only connections whose handshake failed'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand pcap" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -s n -l namespace -d 'Namespace of Apigee hybrid; the namespace of the context is ignored' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -s l -l selector -d 'Label selector of the ingress pods' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l contexts -d 'Kubeconfig contexts to run for, each on its own; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l as -d 'User to impersonate' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l request-timeout -d 'Time limit of a single API request; 0 means no limit [default: 30s]' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l tls-server-name -d 'Server name to verify in the certificate of the API server' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -s c -l container -d 'Read only the log of this container' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l since -d 'Read only records newer than this duration, such as 10m or 2h' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l since-time -d 'Read only records since this time (RFC 3339)' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l tail -d 'Maximum number of lines from the end of each log; -1 means all' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l limit-bytes -d 'Maximum number of bytes of each log' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -s f -l overrides -d 'Overrides file (overrides.yaml), or - for standard input; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l access-log -d 'Access log or Cloud Logging export, also .gz, or - for standard input; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l probe -d 'Where to test TLS handshakes: with each hostname, without SNI and with an unknown name' -r -f -a "pods\t'Every ingress pod, through port-forwards of the API server'
services\t'The addresses of the Services of the ingress pods'
dns\t'The addresses that DNS returns on this machine'
none\t'No handshakes'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l probe-host -d 'Additional hostname to probe, besides those of the routes; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l ca-file -d 'PEM file of the CAs that clients trust; without it, certificate trust is not checked' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l expect -d 'Clients that are known to exist, even if they were not seen' -r -f -a "non-sni\t'Clients that send no SNI'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l timeout -d 'Time limit of the run, per context; what was seen by then is reported. 0 means no limit' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l to -d 'Output: a new file, a folder, or - for standard output' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l case -d 'Number of the support case' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l note -d 'Note for support' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l env-group -d 'Environment group with the problem; may be repeated. Without it, all groups found are listed' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l redact -d 'Replace these kinds by pseudonyms in the whole bundle; the list of pseudonyms is written beside it' -r -f -a "addresses\t'Addresses of clients and servers'
hosts\t'Hostnames, and the certificates that contain them'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l redact-map -d 'New file for the list of pseudonyms [default: beside the bundle]' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l redact-as -d 'Reuse the pseudonyms of an earlier run, from its list' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l pcap -d 'Packet capture (pcap, pcapng) to include, with secrets masked; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l logs -d 'How much of each log to include' -r -f -a "full\t'The whole log'
window\t'Beginning, end, and all resets, warnings and errors with the lines around them'
none\t'Only counts'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l log-limit -d 'Maximum number of bytes of resets, warnings and errors to include per container log' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l all-contexts -d 'Run for every context of the kubeconfig, in its order'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l insecure-skip-tls-verify -d 'Do not verify the certificate of the API server'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l list -d 'List what would be collected, why and with which right; contact no cluster'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -l self-test -d 'Test the redaction with planted secrets, hostnames and addresses of every kind; contact no cluster'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand collect" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -s n -l namespace -d 'Namespace of Apigee hybrid; the namespace of the context is ignored' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -s l -l selector -d 'Label selector of the ingress pods' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l kubeconfig -d 'Path of the kubeconfig file' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l context -d 'Kubeconfig context to use' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l contexts -d 'Kubeconfig contexts to run for, each on its own; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l cluster -d 'Kubeconfig cluster to use' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l user -d 'Kubeconfig user to use' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -s s -l server -d 'URL of the API server' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l as -d 'User to impersonate' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l as-group -d 'Group to impersonate; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l as-uid -d 'UID to impersonate' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l request-timeout -d 'Time limit of a single API request; 0 means no limit [default: 30s]' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l tls-server-name -d 'Server name to verify in the certificate of the API server' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -s c -l container -d 'Read only the log of this container' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l since -d 'Read only records newer than this duration, such as 10m or 2h' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l since-time -d 'Read only records since this time (RFC 3339)' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l tail -d 'Maximum number of lines from the end of each log; -1 means all' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l limit-bytes -d 'Maximum number of bytes of each log' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -s f -l overrides -d 'Overrides file (overrides.yaml), or - for standard input; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l access-log -d 'Access log or Cloud Logging export, also .gz, or - for standard input; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l probe -d 'Where to test TLS handshakes: with each hostname, without SNI and with an unknown name' -r -f -a "pods\t'Every ingress pod, through port-forwards of the API server'
services\t'The addresses of the Services of the ingress pods'
dns\t'The addresses that DNS returns on this machine'
none\t'No handshakes'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l probe-host -d 'Additional hostname to probe, besides those of the routes; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l ca-file -d 'PEM file of the CAs that clients trust; without it, certificate trust is not checked' -r -F
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l expect -d 'Clients that are known to exist, even if they were not seen' -r -f -a "non-sni\t'Clients that send no SNI'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l timeout -d 'Time limit of the run, per context; what was seen by then is reported. 0 means no limit' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l from -d 'Follow the name in saved evidence or a bundle; contact no cluster. - for standard input' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -s o -l output -d 'Format of the result' -r -f -a "text\t''
wide\t'Text with every pod, stream and check'
json\t''
yaml\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l no-sni -d 'Follow clients that send no SNI'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l all-contexts -d 'Run for every context of the kubeconfig, in its order'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -l insecure-skip-tls-verify -d 'Do not verify the certificate of the API server'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand trace" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diff" -l fail-on -d 'Lowest level of a new finding that sets exit code 1' -r -f -a "error\t''
warning\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diff" -s o -l output -d 'Format of the result' -r -f -a "text\t''
wide\t'Text with every pod, stream and check'
json\t''
yaml\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diff" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diff" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand diff" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand rbac" -s n -l namespace -d 'Namespace of Apigee hybrid' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand rbac" -l probe -d 'Places to probe, as for diagnose; without pods, no port-forward is needed' -r -f -a "pods\t'Every ingress pod, through port-forwards of the API server'
services\t'The addresses of the Services of the ingress pods'
dns\t'The addresses that DNS returns on this machine'
none\t'No handshakes'"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand rbac" -l name -d 'Name of the Role and its binding' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand rbac" -l user -d 'User to bind the Role to; may be repeated. Without any subject, no binding is printed' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand rbac" -l group -d 'Group to bind the Role to; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand rbac" -l serviceaccount -d 'Service account to bind the Role to; may be repeated' -r
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand rbac" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand rbac" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand rbac" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand explain" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand explain" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand explain" -s h -l help -d 'Print help'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand completion" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand completion" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand completion" -s h -l help -d 'Print help'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand version" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand version" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand version" -s h -l help -d 'Print help'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand __complete" -l color -d 'When to use colour' -r -f -a "always\t''
auto\t''
never\t''"
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand __complete" -s v -l verbose -d 'Print progress to standard error'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand __complete" -s h -l help -d 'Print help'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "diagnose" -d 'Run all checks against a cluster or files, and report what is wrong'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "probe" -d 'Test TLS handshakes with endpoints: with the right SNI, without SNI and with an unknown name'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "pcap" -d 'Analyse packet captures: which TLS handshakes fail, how, and for whom'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "collect" -d 'Run diagnose and write a support bundle'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "trace" -d 'Follow one server name from the client to overrides.yaml: each link, and which one is broken'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "diff" -d 'Compare two runs: findings resolved, new and unchanged'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "rbac" -d 'Print the minimal Role and binding for a run, as YAML'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "explain" -d 'Explain a check: what it detects, why it matters and how to fix it; without a code, list all checks'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "completion" -d 'Print a shell completion script'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "version" -d 'Print the version'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "__complete" -d 'Print completion candidates for kubectl'
complete -c kubectl-apigee-tls -n "__fish_kubectl_apigee_tls_using_subcommand help; and not __fish_seen_subcommand_from diagnose probe pcap collect trace diff rbac explain completion version __complete help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
