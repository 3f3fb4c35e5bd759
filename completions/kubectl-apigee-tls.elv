
set edit:completion:arg-completer[kubectl-apigee-tls] = { |@words|
    var index = (count $words)
    set index = (- $index 1)

    put (env _CLAP_IFS="\n" _CLAP_COMPLETE_INDEX=(to-string $index) KUBECTL_APIGEE_TLS_COMPLETE="elvish" kubectl-apigee-tls -- $@words) | to-lines
}

