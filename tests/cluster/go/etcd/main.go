// Command etcd is the store of the test cluster. It is a module of its own because the
// requirements of etcd and Kubernetes differ.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() {
	etcdmain.Main(os.Args)
}
