package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/caddyserver/caddy/v2"
	"github.com/caddyserver/caddy/v2/caddyconfig/caddyfile"
	"github.com/caddyserver/caddy/v2/caddyconfig/httpcaddyfile"
	"github.com/maskgate/maskgate"
	"github.com/maskgate/maskgate/command"
	"github.com/maskgate/maskgate/examples/demo"
	"github.com/spf13/cobra"
)

func demoCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "demo",
		Short: "Runs a data service with synthetic customers, Maskgate in front of it, " +
			"and a token issuer",
		Long: `Runs a data service with 10,000 synthetic customers, Maskgate in front of it, and a
token issuer, all on the loopback interface, until Ctrl-C. With --once it takes the tour itself,
and exits with 0 only if every caller saw what they should, every access is on record, and the log
verifies.`,
		Args: cobra.NoArgs,
	}
	var d demonstration
	cmd.Flags().StringVar(&d.data, "data", "maskgate-data",
		"directory for keys, rules and the access log")
	cmd.Flags().StringVar(&d.rules, "rules", "",
		"rule files or directory, instead of the example's")
	cmd.Flags().StringVar(&d.port, "port", "8080", "port of the gateway")
	cmd.Flags().StringVar(&d.servicePort, "service-port", "9001", "port of the data service")
	cmd.Flags().StringVar(&d.metricsPort, "metrics-port", "9180", "port of the metrics")
	cmd.Flags().BoolVar(&d.noGateway, "no-gateway", false,
		"run the data service only, for a gateway of your own (maskgate run)")
	once := cmd.Flags().Bool("once", false, "take the tour on free ports, check it, and exit")
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		d.out = cmd.OutOrStdout()
		if *once {
			return d.tour()
		}
		return d.run()
	}
	command.Plain(cmd)
	return cmd
}

// demonstration is the demo's three parts and where they live.
type demonstration struct {
	out                            io.Writer
	data, rules                    string
	port, servicePort, metricsPort string
	noGateway                      bool

	customers *demo.Data
	issuer    *demo.Issuer
	service   *http.Server
}

// run runs the demo until it is interrupted.
func (d *demonstration) run() error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := d.start(); err != nil {
		return err
	}
	d.greet()
	<-ctx.Done()
	fmt.Fprintln(d.out, "\nstopping")
	return d.stop()
}

// start starts the data service, then the gateway.
func (d *demonstration) start() error {
	var err error
	if d.issuer, err = demo.OpenIssuer(filepath.Join(d.data, "issuer")); err != nil {
		return err
	}
	if d.rules == "" {
		d.rules = filepath.Join(d.data, "rules")
		if err := writeRules(d.rules); err != nil {
			return err
		}
	}
	d.customers = demo.New(demo.DefaultSeed, demo.DefaultCustomers)
	listener, err := net.Listen("tcp", "127.0.0.1:"+d.servicePort)
	if err != nil {
		return fmt.Errorf("starting the data service: %w; choose another with --service-port", err)
	}
	d.service = &http.Server{Handler: d.customers.Handler(), ReadHeaderTimeout: 5 * time.Second}
	go func() { _ = d.service.Serve(listener) }() // until it is closed
	if d.noGateway {
		return nil
	}
	if err := d.startGateway(); err != nil {
		return errors.Join(err, d.service.Close())
	}
	return nil
}

// writeRules puts the example's rule files, as the binary carries them, into dir.
func writeRules(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("writing the example's rules: %w", err)
	}
	files, err := fs.Glob(maskgate.Rules, "examples/customer/*.yaml")
	if err != nil {
		return err
	}
	for _, name := range files {
		content, err := maskgate.Rules.ReadFile(name)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, filepath.Base(name))
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("writing the example's rules: %w", err)
		}
	}
	return nil
}

// startGateway runs the default Caddyfile, as `maskgate run` would.
func (d *demonstration) startGateway() error {
	for name, value := range map[string]string{
		"MASKGATE_DATA":         d.data,
		"MASKGATE_RULES":        d.rules,
		"MASKGATE_KEYS":         filepath.Join(d.data, "issuer", demo.JWKSFile),
		"MASKGATE_UPSTREAM":     "http://127.0.0.1:" + d.servicePort,
		"MASKGATE_PORT":         d.port,
		"MASKGATE_METRICS_PORT": d.metricsPort,
		"MASKGATE_LOG_LEVEL":    "WARN",
	} {
		if err := os.Setenv(name, value); err != nil {
			return err
		}
	}
	adapter := caddyfile.Adapter{ServerType: httpcaddyfile.ServerType{}}
	config, _, err := adapter.Adapt(maskgate.Caddyfile, map[string]any{"filename": "Caddyfile"})
	if err != nil {
		return fmt.Errorf("starting the gateway: %w", err)
	}
	if err := caddy.Load(config, true); err != nil {
		return fmt.Errorf("starting the gateway: %w", err)
	}
	return nil
}

func (d *demonstration) stop() error {
	var faults []error
	if !d.noGateway {
		faults = append(faults, caddy.Stop())
	}
	return errors.Join(append(faults, d.service.Close())...)
}

// greet prints what to do next.
func (d *demonstration) greet() {
	fmt.Fprintf(d.out,
		"data service   http://127.0.0.1:%s  "+
			"(%d synthetic customers, unprotected: this is what Maskgate stands in front of)\n",
		d.servicePort, d.customers.Len())
	if d.noGateway {
		fmt.Fprintf(d.out, "token issuer   %s\n\nNow run:  maskgate run --config Caddyfile\n",
			filepath.Join(d.data, "issuer"))
		return
	}
	fmt.Fprintf(d.out,
		"gateway        http://127.0.0.1:%s\nmetrics        http://127.0.0.1:%s/metrics\n",
		d.port, d.metricsPort)
	fmt.Fprintf(d.out, "rules          %s\naccess log     %s\n", d.rules,
		filepath.Join(d.data, "audit"))
	for _, p := range demo.People {
		token, err := d.issuer.Token(p, time.Hour, time.Now())
		if err != nil {
			fmt.Fprintf(d.out, "\n%v\n", err)
			return
		}
		fmt.Fprintf(d.out,
			"\n# %s, %s\ncurl -s http://127.0.0.1:%s/v1/customers/%s "+
				"-H 'Maskgate-Purpose: %s' -H 'Authorization: Bearer %s'\n",
			p.ID, roleOf(p), d.port, demo.TourCustomerID, p.Purposes[0], token)
	}
	fmt.Fprintf(d.out, `
Then look who saw customer %[1]s, and under which rule:
  maskgate audit search --data %[2]s --subject %[1]s
and that nobody altered the log:
  maskgate audit verify --data %[2]s
More paths: /v1/customers?page=1&size=5  /v1/customers/%[1]s/credit-report  `+
		`/v1/exports/customers?branch=SH-001  /v1/companies
Ctrl-C stops everything.
`, demo.TourCustomerID, d.data)
}

func roleOf(p demo.Person) string {
	if len(p.Roles) == 0 {
		return "without a role"
	}
	return p.Roles[0]
}
