package caddymodule

import (
	"io"

	"github.com/caddyserver/caddy/v2"
)

// pool holds what survives a reload: the new configuration starts before the old one is cleaned up,
// and an access log, like a recording of shapes, has one writer.
var pool = caddy.NewUsagePool()

// stateKey is the key under which the state of a gateway is in the pool.
func stateKey(dir, gateway string) string { return dir + "\x00" + gateway }

// acquire returns the value that the pool has under a key, or opens one. Each acquire needs a
// release.
func acquire[T io.Closer](key string, open func() (T, error)) (value T, reused bool, err error) {
	pooled, reused, err := pool.LoadOrNew(key, func() (caddy.Destructor, error) {
		value, err := open()
		return closing[T]{value}, err
	})
	if err != nil {
		return value, false, err
	}
	return pooled.(closing[T]).value, reused, nil
}

// release lets go of the value under a key. The last release closes the value.
func release(key string) error {
	_, err := pool.Delete(key)
	return err
}

// closing wraps a value for the pool.
type closing[T io.Closer] struct{ value T }

// Destruct implements caddy.Destructor.
func (c closing[T]) Destruct() error { return c.value.Close() }
