package rules

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// roles compares the purposes, conditions, requirements, limits and grantables of roles.
func (d *differ) roles() {
	for _, name := range union(d.before.Roles(), d.after.Roles()) {
		a, b := d.before.role(name), d.after.role(name)
		for _, purpose := range union(a.serves(), b.serves()) {
			had, has := slices.Contains(a.serves(), purpose), slices.Contains(b.serves(), purpose)
			if had != has {
				d.add(Change{Effect: opensIf(has), What: "serves", Roles: []string{name},
					Purpose: purpose, Old: yesNo(had), New: yesNo(has)})
			}
		}
		if a == nil || b == nil {
			continue
		}
		before := len(d.changes)
		d.when(a, b)
		d.require(a, b)
		if len(d.changes) > before {
			d.narrowed = append(d.narrowed, name)
		}
		d.limits(a, b)
		d.grantables(a, b)
	}
}

func (s *Set) role(name string) *role {
	for _, r := range s.roles {
		if r.name == name {
			return r
		}
	}
	return nil
}

func (r *role) serves() []string {
	if r == nil {
		return nil
	}
	return r.purposes
}

// changed adds a change of a role.
func (d *differ) changed(a, b *role, effect Effect, what, old, now string) {
	d.add(Change{Effect: effect, What: what, Roles: []string{a.name}, Old: orNone(old),
		New: orNone(now), OldRule: a.at.String(), NewRule: b.at.String()})
}

func (d *differ) when(a, b *role) {
	if old, now := a.when.named(), b.when.named(); old != now {
		d.changed(a, b, opensIf(old != ""), "when", old, now)
	}
}

// require compares requirements part by part. It tries both on requests that may meet one and not
// the other.
func (d *differ) require(a, b *role) {
	for _, part := range []struct {
		what string
		of   func(*requirement) requirement
		text func(*requirement) string
		ask  func(a, b *requirement) []Request
	}{
		{"amr", func(r *requirement) requirement { return requirement{amr: r.amr} },
			func(r *requirement) string { return strings.Join(r.amr, " ") }, methodsOf},
		{"acr", func(r *requirement) requirement { return requirement{acr: r.acr} },
			func(r *requirement) string { return strings.Join(r.acr, " ") }, classesOf},
		{"network", func(r *requirement) requirement { return requirement{network: r.network} },
			func(r *requirement) string {
				return strings.Trim(fmt.Sprint(r.network), "[]")
			}, addressesOf},
		{"time", func(r *requirement) requirement { return requirement{window: r.window} },
			func(r *requirement) string { return r.window.String() }, timesOf},
	} {
		before, after := part.of(&a.require), part.of(&b.require)
		wider, narrower := false, false
		for _, q := range part.ask(&a.require, &b.require) {
			had, has := before.met(&q) == "", after.met(&q) == ""
			wider, narrower = wider || has && !had, narrower || had && !has
		}
		if wider || narrower {
			d.changed(a, b, opensIf(wider), "require "+part.what, part.text(&a.require),
				part.text(&b.require))
		}
	}
}

func methodsOf(a, b *requirement) []Request {
	return []Request{{Caller: Caller{AMR: a.amr}}, {Caller: Caller{AMR: b.amr}}}
}

func classesOf(a, b *requirement) []Request {
	list := []Request{{}}
	for _, acr := range slices.Concat(a.acr, b.acr) {
		list = append(list, Request{Caller: Caller{ACR: acr}})
	}
	return list
}

// addressesOf returns requests from an unknown address, and from the addresses at the ends of each
// network and just beyond. Networks nest or are apart, so two sets of networks that differ in any
// address differ in one of these.
func addressesOf(a, b *requirement) []Request {
	list := []Request{{}}
	for _, p := range slices.Concat(a.network, b.network) {
		first, last := p.Addr(), lastOf(p)
		for _, address := range []netip.Addr{first, last, first.Prev(), last.Next()} {
			list = append(list, Request{Caller: Caller{Address: address}})
		}
	}
	return list
}

// lastOf is the last address of a network.
func lastOf(p netip.Prefix) netip.Addr {
	bytes := p.Addr().AsSlice()
	for bit := p.Bits(); bit < len(bytes)*8; bit++ {
		bytes[bit/8] |= 0x80 >> (bit % 8)
	}
	last, _ := netip.AddrFromSlice(bytes)
	return last
}

// timesOf returns requests at an unknown time, and at each minute at which a window may begin or
// end within a week in winter and a week in summer: zones change their clocks.
func timesOf(a, b *requirement) []Request {
	list := []Request{{}}
	for _, w := range []*window{a.window, b.window} {
		if w == nil {
			continue
		}
		minutes := []int{0}
		for _, s := range w.spans {
			minutes = append(minutes, s.from, s.to)
		}
		for _, month := range []time.Month{time.January, time.July} {
			for day := 1; day <= 8; day++ {
				for _, minute := range minutes {
					at := time.Date(2026, month, day, 0, minute, 0, 0, w.zone)
					list = append(list, Request{Time: at})
				}
			}
		}
	}
	return list
}

// String is the window in the words of rule files; "" for none.
func (w *window) String() string {
	if w == nil {
		return ""
	}
	var words []string
	for i, name := range weekdays {
		if w.days[(i+1)%7] {
			words = append(words, name)
		}
	}
	for _, s := range w.spans {
		words = append(words,
			fmt.Sprintf("%02d:%02d-%02d:%02d", s.from/60, s.from%60, s.to/60, s.to%60))
	}
	return strings.Join(append(words, w.zone.String()), " ")
}

func (d *differ) limits(a, b *role) {
	if a.records != b.records {
		d.changed(a, b, opensIf(b.records == 0 || a.records != 0 && b.records > a.records),
			"limit records", limitText(a.records), limitText(b.records))
	}
	old, now := a.quota, b.quota
	switch {
	case old == nil && now == nil || old != nil && now != nil && *old == *now:
	case old == nil:
		d.changed(a, b, Closes, "limit subjects", "", now.text())
	case now == nil:
		d.changed(a, b, Opens, "limit subjects", old.text(), "")
	default:
		d.changed(a, b, opensIf(now.Subjects > old.Subjects || now.Window < old.Window),
			"limit subjects", old.text(), now.text())
	}
}

func limitText(n int) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d/response", n)
}

func (q *Quota) text() string { return fmt.Sprintf("%d in %s", q.Subjects, Span(q.Window)) }

// grantables compares the terms of exceptions. Deciding fields finds what exceptions show.
func (d *differ) grantables(a, b *role) {
	for _, i := range a.grantable {
		old := d.before.grantables[i].Grantable
		for _, j := range b.grantable {
			now := d.after.grantables[j].Grantable
			if now.Type != old.Type || now == old {
				continue
			}
			wider := now.Approver != old.Approver || now.TTL > old.TTL ||
				old.Uses != 0 && (now.Uses == 0 || now.Uses > old.Uses)
			d.changed(a, b, opensIf(wider), "grantable "+old.Type, old.text(), now.text())
		}
	}
}

// Span writes a duration as policies do, as a whole number of the largest unit that fits: 1d, 36h,
// 90m, 30s.
func Span(d time.Duration) string {
	for _, unit := range []struct {
		name string
		size time.Duration
	}{{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second}} {
		if d%unit.size == 0 && d != 0 {
			return fmt.Sprintf("%d%s", d/unit.size, unit.name)
		}
	}
	return d.String()
}

func (g Grantable) text() string {
	uses := "any number of uses"
	switch {
	case g.Uses == 1:
		uses = "1 use"
	case g.Uses > 0:
		uses = fmt.Sprintf("%d uses", g.Uses)
	}
	return fmt.Sprintf("by %s, %s, %s", g.Approver, Span(g.TTL), uses)
}
