// Command vaws turns the AWS secrets engine of a HashiCorp Vault or OpenBao into
// AWS credentials for everything that speaks AWS.
package main

import (
	"os"

	"vaws/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args))
}
