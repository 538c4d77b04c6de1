// Command arguments tells what it was given: its arguments as lines of JSON. "exit N" is
// the status with which it ends, and "stay" has it wait for the end of its input.
package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"strconv"
)

func main() {
	switch args := os.Args[1:]; {
	case len(args) == 2 && args[0] == "exit":
		status, err := strconv.Atoi(args[1])
		if err != nil {
			panic(err)
		}
		os.Exit(status)
	case len(args) == 1 && args[0] == "stay":
		fmt.Println("ready")
		_, _ = io.Copy(io.Discard, os.Stdin)
	default:
		for _, argument := range args {
			text, _ := json.Marshal(argument)
			fmt.Println(string(text))
		}
	}
}
