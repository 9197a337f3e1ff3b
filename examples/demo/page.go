package demo

import (
	"net/url"
	"strconv"
)

// Page is the envelope of a list.
type Page[T any] struct {
	Code    int         `json:"code"` // 0
	Message string      `json:"message"`
	Data    PageData[T] `json:"data"`
}

// PageData is one page of a list. Total counts all items, Page is counted from 1. A page past the
// end has no items.
type PageData[T any] struct {
	Total int `json:"total"`
	Page  int `json:"page"`
	Items []T `json:"items"`
}

const (
	defaultPageSize = 20
	maxPageSize     = 100
	maxPage         = 10_000_000 // keeps the product with the size within 32 bits
	badPage         = "page must be from 1 to 10000000, size from 1 to 100"
)

func newPage[T any](items []T, page, total int) Page[T] {
	return Page[T]{Message: "ok", Data: PageData[T]{Total: total, Page: page, Items: items}}
}

// pageOf reads the parameters page and size, and reports whether they are in range.
func pageOf(query url.Values) (page, size int, ok bool) {
	page, pageOK := number(query, "page", 1, maxPage)
	size, sizeOK := number(query, "size", defaultPageSize, maxPageSize)
	return page, size, pageOK && sizeOK
}

// number reads a parameter from 1 to most; absent, it is otherwise.
func number(query url.Values, name string, otherwise, most int) (int, bool) {
	if !query.Has(name) {
		return otherwise, true
	}
	v, err := strconv.Atoi(query.Get(name))
	return v, err == nil && v >= 1 && v <= most
}
