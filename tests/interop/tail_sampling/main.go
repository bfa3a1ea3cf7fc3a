// Command decide runs the OpenTelemetry Collector's tail_sampling processor on what it is told.
//
// Each line of standard input is a question and each line of standard output its answer, both JSON: a configuration and
// the steps to take in, what came out of the processor and what it decided out.
package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log"
	"os"
	"sync"
	"time"

	tail "github.com/open-telemetry/opentelemetry-collector-contrib/processor/tailsamplingprocessor"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/confmap"
	"go.opentelemetry.io/collector/consumer"
	"go.opentelemetry.io/collector/featuregate"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/processor"
	"go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/zap"
)

const (
	gate     = "processor.tailsamplingprocessor.usetracestate"
	patience = 30 * time.Second
	maxLine  = 256 << 20
)

type question struct {
	Config     map[string]any `json:"config"`
	Tracestate bool           `json:"tracestate"` // the feature gate
	// Aligned has the decisions at shutdown fall into one second of the clock, for the policies that count by it.
	Aligned bool   `json:"aligned"`
	Steps   []step `json:"steps"`
}

// step is either requests to send or a number of decisions to wait for.
type step struct {
	Requests [][]byte `json:"requests"`
	Decided  int      `json:"decided"`
}

type decision struct {
	Trace   string `json:"trace"`
	Policy  string `json:"policy"`
	Verdict string `json:"verdict"`
}

type answer struct {
	Refused   string           `json:"refused,omitempty"` // why the configuration was
	Sent      [][]byte         `json:"sent"`              // the requests that were handed on
	Decisions []decision       `json:"decisions"`         // the first for each trace
	Counters  map[string]int64 `json:"counters"`          // by name and attributes
}

func main() {
	log.SetFlags(0)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, maxLine)
	out := json.NewEncoder(os.Stdout)
	for lines.Scan() {
		var asked question
		numbers := json.NewDecoder(bytes.NewReader(lines.Bytes()))
		numbers.UseNumber()
		check(numbers.Decode(&asked))
		check(out.Encode(ask(asked)))
	}
	check(lines.Err())
}

// run is one processor and what is heard of it.
type run struct {
	mutex   sync.Mutex
	answer  answer
	decided map[pcommon.TraceID]struct{}
	changed chan struct{} // a decision was made since it was last read
}

func ask(asked question) answer {
	check(featuregate.GlobalRegistry().Set(gate, asked.Tracestate))
	heard := &run{decided: map[pcommon.TraceID]struct{}{}, changed: make(chan struct{}, 1)}
	reader := metric.NewManualReader()
	running, err := heard.start(asked.Config, reader)
	if err != nil {
		return answer{Refused: err.Error()}
	}
	for _, next := range asked.Steps {
		for _, request := range next.Requests {
			traces, err := (&ptrace.ProtoUnmarshaler{}).UnmarshalTraces(request)
			check(err)
			check(running.ConsumeTraces(context.Background(), traces))
		}
		heard.wait(next.Decided)
	}
	if asked.Aligned {
		time.Sleep(time.Until(time.Now().Truncate(time.Second).Add(time.Second)))
	}
	check(running.Shutdown(context.Background()))
	heard.answer.Counters = counters(reader)
	return heard.answer
}

// start returns the running processor, or why it cannot be.
func (r *run) start(config map[string]any, reader metric.Reader) (processor.Traces, error) {
	factory := tail.NewFactory()
	made := factory.CreateDefaultConfig().(*tail.Config)
	if err := confmap.NewFromStringMap(exact(config).(map[string]any)).Unmarshal(made); err != nil {
		return nil, err
	}
	made.Options = []tail.Option{tail.WithSampledHooks(r.decide), tail.WithNonSampledHooks(r.decide)}
	next, err := consumer.NewTraces(r.consume)
	check(err)
	settings := processor.Settings{ID: component.NewID(factory.Type()), TelemetrySettings: component.TelemetrySettings{
		Logger:         zap.NewNop(),
		TracerProvider: noop.NewTracerProvider(),
		MeterProvider:  metric.NewMeterProvider(metric.WithReader(reader)),
		Resource:       pcommon.NewResource(),
	}}
	running, err := factory.CreateTraces(context.Background(), settings, made, next)
	if err != nil {
		return nil, err
	}
	return running, running.Start(context.Background(), nil)
}

// exact returns a value as YAML would have it: integers of 64 bits stay what they are.
func exact(value any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, member := range value {
			value[key] = exact(member)
		}
	case []any:
		for position, member := range value {
			value[position] = exact(member)
		}
	case json.Number:
		if whole, err := value.Int64(); err == nil {
			return whole
		}
		broken, err := value.Float64()
		check(err)
		return broken
	}
	return value
}

func (r *run) consume(_ context.Context, traces ptrace.Traces) error {
	request, err := (&ptrace.ProtoMarshaler{}).MarshalTraces(traces)
	check(err)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.answer.Sent = append(r.answer.Sent, request)
	return nil
}

func (r *run) decide(_ context.Context, id pcommon.TraceID, trace *tail.TraceData) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if _, known := r.decided[id]; known {
		return
	}
	r.decided[id] = struct{}{}
	r.answer.Decisions = append(r.answer.Decisions, decision{id.String(), trace.PolicyName, trace.FinalDecision.String()})
	select {
	case r.changed <- struct{}{}:
	default:
	}
}

func (r *run) wait(decisions int) {
	late := time.After(patience)
	for {
		r.mutex.Lock()
		made := len(r.decided)
		r.mutex.Unlock()
		if made >= decisions {
			return
		}
		select {
		case <-r.changed:
		case <-late:
			log.Fatalf("%d decisions instead of %d after %s", made, decisions, patience)
		}
	}
}

// counters returns the sums that the processor counted.
func counters(reader metric.Reader) map[string]int64 {
	var collected metricdata.ResourceMetrics
	check(reader.Collect(context.Background(), &collected))
	found := map[string]int64{}
	for _, scope := range collected.ScopeMetrics {
		for _, each := range scope.Metrics {
			sum, ok := each.Data.(metricdata.Sum[int64])
			if !ok {
				continue
			}
			for _, point := range sum.DataPoints {
				name := each.Name
				for _, label := range point.Attributes.ToSlice() {
					name += fmt.Sprintf(" %s=%s", label.Key, label.Value.AsString())
				}
				found[name] += point.Value
			}
		}
	}
	return found
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
