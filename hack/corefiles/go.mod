module capelin/hack/corefiles

go 1.26.0

require github.com/coredns/corefile-migration v1.0.36

require github.com/coredns/caddy v1.1.1 // indirect
