package caddymodule

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/caddyserver/caddy/v2/modules/caddyhttp"
	"github.com/dustin/go-humanize"
	"github.com/maskgate/maskgate/auth"
)

func init() {
	httpcaddyfile.RegisterGlobalOption("maskgate", parseApp)
	httpcaddyfile.RegisterHandlerDirective("maskgate", parseHandler)
	httpcaddyfile.RegisterHandlerDirective("maskgate_status", parseStatus)
	httpcaddyfile.RegisterDirectiveOrder("maskgate_status", httpcaddyfile.Before, "invoke")
	// It guards the directives that answer a request or hold others that do (handle, route), so it
	// stands before them; and behind those that only read or alter a request.
	httpcaddyfile.RegisterDirectiveOrder("maskgate", httpcaddyfile.Before, "invoke")
}

func parseApp(d *caddyfile.Dispenser, existing any) (any, error) {
	if existing != nil {
		d.Next() // so that the error names the line
		return nil, d.Err("the maskgate option stands twice; merge the two")
	}
	a := new(App)
	if err := a.UnmarshalCaddyfile(d); err != nil {
		return nil, err
	}
	return httpcaddyfile.App{Name: "maskgate", Value: caddyconfig.JSON(a, nil)}, nil
}

func parseHandler(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	m := new(Handler)
	return m, m.UnmarshalCaddyfile(h.Dispenser)
}

func parseStatus(h httpcaddyfile.Helper) (caddyhttp.MiddlewareHandler, error) {
	s := new(Status)
	return s, s.UnmarshalCaddyfile(h.Dispenser)
}

// UnmarshalCaddyfile sets up the app from the global option:
//
//	maskgate {
//		data <directory>
//		rules <file or directory...>
//		shadow <file or directory...>
//		watch off | {
//			settle <duration>
//			poll <duration>
//		}
//		drift off | <responses>
//		purpose_header <name>
//		gateway <name>
//		token {
//			issuer <url>
//			audience <name...>
//			keys <file or https url>
//			allow_local_keys
//			algorithms <RS256|PS256|ES256|EdDSA...>
//			types <typ...>
//			leeway <duration>
//			max_size <bytes>
//			claim <subject|roles|organisation|purposes|amr|acr|region> <name or path>
//			purpose_prefix <text>
//		}
//	}
func (a *App) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // maskgate
	if d.NextArg() {
		return d.ArgErr()
	}
	return options(d, func(option string) (err error) {
		switch option {
		case "data":
			err = one(d, &a.DataDir)
		case "rules":
			a.Rules, err = several(d)
		case "shadow":
			a.Shadow, err = several(d)
		case "watch":
			err = a.Watch.unmarshal(d)
		case "drift":
			err = a.drift(d)
		case "purpose_header":
			err = one(d, &a.PurposeHeader)
		case "gateway":
			err = one(d, &a.Gateway)
		case "token":
			a.Token = new(Token)
			err = a.Token.unmarshal(d)
		default:
			err = d.Errf("unknown option %q; want data, rules, shadow, watch, drift, "+
				"purpose_header, gateway or token", option)
		}
		return err
	})
}

func (w *Watch) unmarshal(d *caddyfile.Dispenser) error {
	if args := d.RemainingArgs(); len(args) == 1 && args[0] == "off" {
		w.Off = true
	} else if len(args) > 0 {
		return d.Errf("want watch off, or a block with settle and poll")
	}
	return options(d, func(option string) error {
		switch {
		case w.Off:
			return d.Errf("watch is off, so %s says nothing; remove one of the two", option)
		case option == "settle":
			return duration(d, &w.Settle)
		case option == "poll":
			return duration(d, &w.Poll)
		}
		return d.Errf("watch: unknown option %q; want settle or poll", option)
	})
}

func (a *App) drift(d *caddyfile.Dispenser) error {
	var text string
	if err := one(d, &text); err != nil {
		return err
	}
	if text == "off" {
		a.Drift = -1
		return nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 {
		return d.Errf("want drift off, or a number of responses, as in 1000; have %q", text)
	}
	a.Drift = n
	return nil
}

func (t *Token) unmarshal(d *caddyfile.Dispenser) error {
	if d.NextArg() {
		return d.ArgErr()
	}
	return options(d, func(option string) (err error) {
		switch option {
		case "issuer":
			err = one(d, &t.Issuer)
		case "audience":
			t.Audience, err = several(d)
		case "keys":
			err = one(d, &t.Keys)
		case "allow_local_keys":
			if t.AllowLocalKeys = true; d.NextArg() {
				err = d.ArgErr()
			}
		case "algorithms":
			t.Algorithms, err = several(d)
		case "types":
			t.Types, err = several(d)
		case "leeway":
			err = duration(d, &t.Leeway)
		case "max_size":
			var size int64
			err = bytesOf(d, &size)
			t.MaxSize = int(size)
		case "claim":
			err = t.claim(d)
		case "purpose_prefix":
			err = one(d, &t.PurposePrefix)
		default:
			err = d.Errf("token: unknown option %q", option)
		}
		return err
	}, "claim")
}

func (t *Token) claim(d *caddyfile.Dispenser) error {
	args := d.RemainingArgs()
	if len(args) != 2 || !slices.Contains(auth.ClaimNames(), args[0]) {
		return d.Errf("want claim, one of %s, and the claim's name in tokens",
			strings.Join(auth.ClaimNames(), ", "))
	}
	if t.Claims == nil {
		t.Claims = map[string]string{}
	}
	if t.Claims[args[0]] != "" {
		return d.Errf("claim %s stands twice; remove one", args[0])
	}
	t.Claims[args[0]] = args[1]
	return nil
}

// UnmarshalCaddyfile sets up the handler from its directive:
//
//	maskgate [<matcher>] [<upstream>] {
//		services <name...>
//		timeout <duration>
//		max_response <size>
//		stream
//		max_request <size>
//		request_headers <name...>
//		response_headers <name...>
//		record_shapes <file> {
//			route GET <path>
//		}
//	}
//
// Without an upstream it asks the directives behind it, through the guard:
//
//	maskgate
//	reverse_proxy 10.0.0.1:9001 10.0.0.2:9001
func (h *Handler) UnmarshalCaddyfile(d *caddyfile.Dispenser) error {
	d.Next() // maskgate
	if d.NextArg() {
		h.Upstream = d.Val()
	}
	if d.NextArg() {
		return d.ArgErr()
	}
	return options(d, func(option string) (err error) {
		switch option {
		case "services":
			h.Services, err = several(d)
		case "timeout":
			err = duration(d, &h.Timeout)
		case "stream":
			if len(d.RemainingArgs()) > 0 {
				return d.ArgErr()
			}
			h.Stream = true
		case "max_response":
			err = bytesOf(d, &h.MaxResponse)
		case "max_request":
			err = bytesOf(d, &h.MaxRequest)
		case "request_headers":
			h.RequestHeaders, err = several(d)
		case "response_headers":
			h.ResponseHeaders, err = several(d)
		case "record_shapes":
			h.RecordShapes = new(RecordShapes)
			err = h.RecordShapes.unmarshal(d)
		default:
			err = d.Errf("unknown option %q; want services, timeout, max_response, stream, "+
				"max_request, request_headers, response_headers or record_shapes", option)
		}
		return err
	})
}

func (r *RecordShapes) unmarshal(d *caddyfile.Dispenser) error {
	if err := one(d, &r.File); err != nil {
		return err
	}
	return options(d, func(option string) error {
		args := d.RemainingArgs()
		if option != "route" || len(args) != 2 {
			return d.Errf("record_shapes: want route, a method and a path, " +
				"as in route GET /v2/claims/{id}")
		}
		r.Routes = append(r.Routes, strings.Join(args, " "))
		return nil
	}, "route")
}

// options takes the options of a block. It refuses an option that stands twice, whose later line
// would silently undo the earlier one, unless the option may be repeated.
func options(d *caddyfile.Dispenser, take func(option string) error, repeated ...string) error {
	seen := map[string]bool{}
	for nesting := d.Nesting(); d.NextBlock(nesting); {
		option := d.Val()
		if seen[option] && !slices.Contains(repeated, option) {
			return d.Errf("%s stands twice; remove one", option)
		}
		seen[option] = true
		if err := take(option); err != nil {
			return err
		}
	}
	return nil
}

// one takes exactly one argument.
func one(d *caddyfile.Dispenser, to *string) error {
	args := d.RemainingArgs()
	if len(args) != 1 {
		return d.ArgErr()
	}
	*to = args[0]
	return nil
}

func several(d *caddyfile.Dispenser) ([]string, error) {
	args := d.RemainingArgs()
	if len(args) == 0 {
		return nil, d.ArgErr()
	}
	return args, nil
}

func duration(d *caddyfile.Dispenser, to *caddy.Duration) error {
	var text string
	if err := one(d, &text); err != nil {
		return err
	}
	v, err := caddy.ParseDuration(text)
	if err != nil || v < time.Millisecond {
		return d.Errf("want a duration, as in 30s; have %q", text)
	}
	*to = caddy.Duration(v)
	return nil
}

func bytesOf(d *caddyfile.Dispenser, to *int64) error {
	var text string
	if err := one(d, &text); err != nil {
		return err
	}
	n, err := humanize.ParseBytes(text)
	if err != nil || n == 0 || n > 1<<40 {
		return d.Errf("want a size, as in 1MiB or %s; have %q", strconv.Itoa(1<<20), text)
	}
	*to = int64(n)
	return nil
}

var (
	_ caddyfile.Unmarshaler = (*App)(nil)
	_ caddyfile.Unmarshaler = (*Handler)(nil)
)
