package command

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/maskgate/maskgate/discover"
	"github.com/maskgate/maskgate/rules"
	"github.com/spf13/cobra"
)

// discoverCommand is rules discover.
func discoverCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "discover FILE...",
		Short: "Proposes a service file from sample responses or a recording",
		Long: `Proposes a service file: the routes, records and subjects of a service and the
types of its fields, each with its evidence as a comment. What neither name nor values tell is
left out, and so dropped. It is a proposal: the service's team reads each line before it is used.
No value of a response is in it; names of members are, and these can be data: an object that is
keyed by people's names, say, is told from any other only if it has three members or more, all of
them objects alike. Otherwise its keys are printed as paths.

FILE is one of
  - a response, whose request its name tells by its directories:
    samples/GET/v1/customers/C00000052.json, samples/GET/v1/customers?page=1.json,
    samples/GET/v1/exports.ndjson (lines); or --route says it;
  - a HAR file (HTTP archive, as browsers and proxies save), of which the successful JSON answers
    are read;
  - a recording made by a gateway with the option record_shapes.
A directory stands for all files in it. Segments of a path that are data become {id}.

Exit status: 0 if something is proposed, 2 on an error, 3 if the files have no answer to learn
from.`,
		Example: "  maskgate rules discover --service crm --owner crm-team samples/ > crm.yaml\n" +
			"  maskgate rules discover --route 'GET /v1/customers/{id}' answer.json",
		Args: cobra.MinimumNArgs(1),
	}
	cmd.Flags().String("service", "service", "the service's name")
	cmd.Flags().String("owner", "team", "the team that owns it")
	cmd.Flags().String("route", "",
		"method and path that all files answered, e.g. 'GET /v1/customers/{id}'")
	cmd.Flags().Bool("json", false, "print the proposal as JSON")
	cmd.RunE = func(cmd *cobra.Command, args []string) error {
		recording, err := readSamples(args, flag(cmd, "route"))
		if err != nil {
			return err
		}
		routes := recording.Routes()
		if !slices.ContainsFunc(routes, func(r *discover.Route) bool { return r.Answers > 0 }) {
			return &ending{exitNothing, errors.New("the files have no answer to learn from")}
		}
		service := discover.Propose(flag(cmd, "service"), flag(cmd, "owner"), routes)
		text := service.YAML()
		if _, err := rules.Load([]rules.File{{Name: "proposal", Data: text}}, nil); err != nil {
			return fmt.Errorf("the proposal is not in order:\n%w", err)
		}
		if flag(cmd, "json") == "true" {
			return printJSON(cmd.OutOrStdout(), service)
		}
		_, err = cmd.OutOrStdout().Write(text)
		return err
	}
	return cmd
}

// readSamples reads files of all kinds into one recording.
func readSamples(paths []string, routeFlag string) (*discover.Recording, error) {
	var method, path string
	if routeFlag != "" {
		var ok bool
		if method, path, ok = strings.Cut(routeFlag, " "); !ok || !strings.HasPrefix(path, "/") {
			return nil, Misuse(errors.New(
				"--route: want a method and a path, as in 'GET /v1/customers/{id}'"))
		}
	}
	recording := discover.New()
	var samples []discover.Sample
	for _, root := range paths {
		err := filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() {
				return err
			}
			data, err := os.ReadFile(name)
			if err != nil {
				return err
			}
			if discover.IsRecording(data) {
				if err := recording.Read(data); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
				return nil
			}
			more, err := discover.Samples(name, data, method, path)
			if err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
			samples = append(samples, more...)
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("reading samples: %w", err)
		}
	}
	if err := recording.AddSamples(samples); err != nil {
		return nil, fmt.Errorf("reading samples: %w", err)
	}
	return recording, nil
}
