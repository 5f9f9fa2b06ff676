// Renders templates with Go's text/template and Sprig, for comparison with capelin.runtime.gotemplate.
//
// Every line of the input is a JSON object with "template" and "data"; every line of the output is one with "template" and "output" or
// "error". With -functions it prints the names of the functions instead, one a line.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log"
	"os"
	"slices"
	"strings"
	"text/template"

	"github.com/Masterminds/sprig/v3"
)

// As much as a line of the input may have.
const longestLine = 1 << 22

type example struct {
	Template string  `json:"template"`
	Data     any     `json:"data,omitempty"`
	Output   *string `json:"output,omitempty"`
	Error    string  `json:"error,omitempty"`
}

func main() {
	functions := flag.Bool("functions", false, "print the names of the functions")
	flag.Parse()
	if *functions {
		printFunctions()
		return
	}
	if err := renderAll(os.Stdin, os.Stdout); err != nil {
		log.Fatal(err)
	}
}

func printFunctions() {
	var names []string
	for name := range sprig.HermeticTxtFuncMap() {
		names = append(names, name)
	}
	slices.Sort(names)
	fmt.Println(strings.Join(names, "\n"))
}

func renderAll(in io.Reader, out io.Writer) error {
	lines := bufio.NewScanner(in)
	lines.Buffer(nil, longestLine)
	writer := bufio.NewWriter(out)
	defer writer.Flush()
	encoder := json.NewEncoder(writer)
	encoder.SetEscapeHTML(false)
	for lines.Scan() {
		var each example
		if err := json.Unmarshal(lines.Bytes(), &each); err != nil {
			return err
		}
		output, err := render(each.Template, each.Data)
		each.Data = nil
		if err != nil {
			each.Error = err.Error()
		} else {
			each.Output = &output
		}
		if err := encoder.Encode(each); err != nil {
			return err
		}
	}
	return lines.Err()
}

func render(text string, data any) (string, error) {
	parsed, err := template.New("").Funcs(sprig.HermeticTxtFuncMap()).Parse(text)
	if err != nil {
		return "", err
	}
	var output strings.Builder
	err = parsed.Execute(&output, data)
	return output.String(), err
}
