// Judges files, each of them one function: prints every label's probability, or those of a pair of files.
//
//	go build judge.go
//	./judge vulnerability-c-micro.wren request.c
package main

// #cgo pkg-config: codewren
// #include <codewren.h>
// #include <stdlib.h>
import "C"

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"unsafe"
)

// Model is a loaded bundle; Close frees it.
type Model struct{ handle *C.codewren_model }

// checked turns a status into an error. The message is the thread's own, so callers keep to one thread.
func checked(status C.codewren_status) error {
	if status == C.CODEWREN_OK {
		return nil
	}
	return errors.New(C.GoString(C.codewren_error()))
}

// Load makes a model of the bytes of a bundle.
func Load(bundle []byte) (*Model, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	model := &Model{}
	bytes := C.CBytes(bundle)
	defer C.free(bytes)
	return model, checked(C.codewren_load(bytes, C.size_t(len(bundle)), &model.handle))
}

// Close frees the model.
func (m *Model) Close() { C.codewren_free(m.handle) }

// Labels names the columns of Predict.
func (m *Model) Labels() []string {
	labels := make([]string, C.codewren_label_count(m.handle))
	for index := range labels {
		labels[index] = C.GoString(C.codewren_label(m.handle, C.size_t(index)))
	}
	return labels
}

// Predict gives one row of probabilities an item: a source, or two in a row where pairs are judged.
func (m *Model) Predict(sources [][]byte) ([][]float64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	texts := make([]C.codewren_text, len(sources))
	for index, source := range sources {
		data := C.CBytes(source)
		defer C.free(data)
		texts[index] = C.codewren_text{data: (*C.char)(data), size: C.size_t(len(source))}
	}
	items, labels := len(sources)/int(C.codewren_functions_per_item(m.handle)), len(m.Labels())
	if items == 0 {
		return nil, nil
	}
	// C memory, because Go's must not hold pointers into Go when C reads it.
	size := C.size_t(len(texts)) * C.size_t(unsafe.Sizeof(texts[0]))
	array := C.malloc(size)
	defer C.free(array)
	copy(unsafe.Slice((*C.codewren_text)(array), len(texts)), texts)
	numbers := make([]float64, items*labels)
	status := C.codewren_predict(m.handle, (*C.codewren_text)(array), C.size_t(items), (*C.double)(&numbers[0]))
	rows := make([][]float64, items)
	for item := range rows {
		rows[item] = numbers[item*labels : (item+1)*labels]
	}
	return rows, checked(status)
}

func run(paths []string) error {
	bundle, err := os.ReadFile(paths[0])
	if err != nil {
		return err
	}
	model, err := Load(bundle)
	if err != nil {
		return err
	}
	defer model.Close()
	var sources [][]byte
	for _, path := range paths[1:] {
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		sources = append(sources, source)
	}
	rows, err := model.Predict(sources)
	if err != nil {
		return err
	}
	width := int(C.codewren_functions_per_item(model.handle))
	for item, row := range rows {
		fmt.Print(paths[1+item*width])
		for index, label := range model.Labels() {
			fmt.Printf(" %s %.9f", label, row[index])
		}
		fmt.Println()
	}
	return nil
}

func main() {
	if len(os.Args) < 3 {
		fmt.Fprintln(os.Stderr, "usage: judge BUNDLE FILE...")
		os.Exit(2)
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
