package rules

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
	_ "time/tzdata" // the zones that rules name, also where the system has none
)

// requirement is what a role wants of its caller, apart from its condition. The zero value wants
// nothing.
type requirement struct {
	amr     []string // methods, all of which the token must state (RFC 8176)
	acr     []string // context classes, any of which the token must state; none: any token will do
	network []netip.Prefix
	window  *window
}

// window is when a role may be used.
type window struct {
	days  [7]bool // by time.Weekday
	spans []span
	zone  *time.Location
}

// span begins with a minute of the day, and ends before another.
type span struct{ from, to int }

var weekdays = []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"}

// defaultZone is China's only time zone.
const defaultZone = "Asia/Shanghai"

// met returns why the requirement is not met, "" if it is.
func (r *requirement) met(q *Request) Reason {
	switch {
	case slices.ContainsFunc(r.amr, func(m string) bool {
		return !slices.Contains(q.Caller.AMR, m)
	}),
		len(r.acr) > 0 && !slices.Contains(r.acr, q.Caller.ACR):
		return AssuranceTooLow
	case len(r.network) > 0 && !slices.ContainsFunc(r.network, func(p netip.Prefix) bool {
		return p.Contains(q.Caller.Address.Unmap())
	}):
		return NetworkNotAllowed
	case r.window != nil && !r.window.contains(q.Time):
		return OutsideHours
	}
	return ""
}

// contains reports whether a time lies in the window. The zero time, which stands for an unknown
// one, does not.
func (w *window) contains(t time.Time) bool {
	if t.IsZero() {
		return false
	}
	t = t.In(w.zone)
	if !w.days[t.Weekday()] {
		return false
	}
	minute := t.Hour()*60 + t.Minute()
	return slices.ContainsFunc(w.spans, func(s span) bool {
		return s.from <= minute && minute < s.to
	})
}

func (l *loader) require(o object, zone *time.Location) requirement {
	var r requirement
	r.amr, _ = o.list("amr")
	r.acr, _ = o.list("acr")
	texts, at := o.list("network")
	for i, text := range texts {
		p, err := netip.ParsePrefix(text)
		if err != nil || p != p.Masked() || p.Addr().Is4In6() {
			o.fault(at[i], "network: want a network as in 10.8.0.0/16, with no bits beyond its "+
				"length; have %q", text)
			continue
		}
		r.network = append(r.network, p)
	}
	if o.values["time"] != nil {
		r.window = l.window(o.inner("time"), zone)
	}
	return r
}

func (l *loader) window(o object, zone *time.Location) *window {
	w := &window{zone: l.zone(o, "zone", zone)}
	days, _ := o.list("weekdays")
	for i, name := range weekdays {
		w.days[(i+1)%7] = len(days) == 0 || slices.Contains(days, name)
	}
	texts, at := o.list("hours")
	for i, text := range texts {
		from, to, _ := strings.Cut(text, "-")
		s := span{minuteOf(from), minuteOf(to)}
		if s.from >= s.to {
			o.fault(at[i], "hours: %s ends before it begins; write two that meet at midnight, as "+
				"in [%s-24:00, 00:00-%s]", text, from, to)
		}
		w.spans = append(w.spans, s)
	}
	if len(texts) == 0 {
		w.spans = []span{{0, 24 * 60}}
	}
	if o.values["weekdays"] == nil && o.values["hours"] == nil && o.values["zone"] != nil {
		o.fault(o.node, "time: want weekdays or hours, as in {hours: [08:30-18:00]}")
	}
	return w
}

// minuteOf reads a text such as 08:30 as minutes of the day. A text that is no time was reported
// before.
func minuteOf(text string) int {
	hour, minute, _ := strings.Cut(text, ":")
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	return h*60 + m
}

// zone reads the name of a time zone at a key; missing is the zone where the key is not there.
func (l *loader) zone(o object, key string, missing *time.Location) *time.Location {
	name := o.text(key)
	if name == "" {
		return missing
	}
	z, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		o.fault(o.values[key], "%s: no time zone %q; want one of the IANA database, as in "+
			"Asia/Shanghai", key, name)
		return missing
	}
	return z
}

// shanghai is defaultZone. It is always found, since the zones are compiled in.
var shanghai = func() *time.Location {
	z, err := time.LoadLocation(defaultZone)
	if err != nil {
		panic(err)
	}
	return z
}()
