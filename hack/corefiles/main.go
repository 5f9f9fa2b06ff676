// Corefiles reads Corefiles as JSON lines, with the CoreDNS versions to go from and to, and prints them again with what the library that kubeadm
// and the standard use makes of each, or with its error.
//
//	cd hack/corefiles && go run . < ../../tests/api/corefiles.jsonl > new.jsonl && mv new.jsonl ../../tests/api/corefiles.jsonl
package main

import (
	"encoding/json"
	"errors"
	"io"
	"log"
	"os"

	"github.com/coredns/corefile-migration/migration"
)

type recording struct {
	Name     string `json:"name"`
	From     string `json:"from"`
	To       string `json:"to"`
	Corefile string `json:"corefile"`
	Migrated string `json:"migrated,omitempty"`
	Error    string `json:"error,omitempty"`
}

func main() {
	in, out := json.NewDecoder(os.Stdin), json.NewEncoder(os.Stdout)
	out.SetEscapeHTML(false)
	for {
		var found recording
		switch err := in.Decode(&found); {
		case errors.Is(err, io.EOF):
			return
		case err != nil:
			log.Fatal(err)
		}
		// False: what is merely deprecated stays, as when the standard changes the version.
		migrated, err := migration.Migrate(found.From, found.To, found.Corefile, false)
		found.Migrated, found.Error = migrated, ""
		if err != nil {
			found.Error = err.Error()
		}
		if err := out.Encode(found); err != nil {
			log.Fatal(err)
		}
	}
}
