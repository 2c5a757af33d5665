module holdfast.invalid/bench/juju-sequence

go 1.21
