// `call`: a filter. Lines in, governed calls, lines out; nobody but the policy's commands runs.
#include "cli/call_lines.h"
#include "cli/commands.h"
#include "cli/in_process_host.h"
#include "cli/output.h"
#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/line_buffer.h"
#include "protocol/rpc.h"
#include "stdio/descriptors.h"
#include "stdio/log.h"
#include "stdio/readiness.h"
#include "stdio/system.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <limits>
#include <set>
#include <string>

namespace tallygate {
namespace {

namespace asio = boost::asio;
using ErrorCodeOf = boost::system::error_code;

std::string initialize_line(const CallOptions& options, const std::string& version) {
  JsonWriter params;
  params.begin_object().field("protocolVersion", protocol_version);
  params.key("client").begin_object().field("name", "tallygate call").field("version", version);
  params.end_object().key("session").begin_object();
  if (!options.agent.empty()) params.field("agent", options.agent);
  if (!options.run.empty()) params.field("run", options.run);
  return request_line(0, "initialize", params.end_object().end_object().text());
}

std::string register_line(std::int64_t id, const std::string& tool) {
  JsonWriter params;
  params.begin_object().key("tools").begin_array().begin_object().field("name", tool);
  return request_line(id, "tools/register", params.end_object().end_array().end_object().text());
}

class Filter {
 public:
  Filter(Kernel& kernel, Clock& clock, const Policy& policy, int input, int output)
      : policy_(policy),
        input_(input, Stream::Use::reading),
        output_(output, Stream::Use::writing),
        signals_(io_, SIGTERM, SIGINT, SIGHUP),
        host_(
            io_, kernel, clock, [this](const std::string& line) { take(line); },
            [this] { finish(); }) {}

  ExitCode run(const std::string& initialize) {
    signals_.async_wait([this](const ErrorCodeOf& error, int) {
      if (!error) end_early();
    });
    host_.say(initialize);  // and reading begins with its answer
    io_.run();
    return refused_ ? ExitCode::usage : code_;
  }

 private:
  // As many lines as may be in flight: more would only wait in memory.
  bool has_room() const {
    return in_flight_.size() < limits::in_flight_max && out_.size() < limits::outbox_bytes_max;
  }

  void read() {
    if (reading_ || input_ended_ || !has_room()) return;
    reading_ = true;
    input_ready_.wait([this] {
      reading_ = false;
      const Stream::Moved came = input_.read(chunk_.data(), chunk_.size());
      if (came.error == EAGAIN) return read();
      lines_.append(std::string_view(chunk_.data(), came.size));
      if (came.size == 0) end_input();
      go_on();
    });
  }

  // Unlike a host's, a last line may lack its end: half an object is none.
  void end_input() {
    input_ended_ = true;
    if (lines_.pending() > 0) lines_.append("\n");
  }

  void go_on() {
    while (!ending_ && has_room()) {
      const auto line = lines_.next();
      if (!line) break;
      take_line(*line);
    }
    read();
    const bool is_over = input_ended_ && lines_.pending() == 0 && in_flight_.empty();
    if (is_over) end_kernel();
  }

  void take_line(const Line& line) {
    const Error too_long{ErrorCode::parse_error,
                         "a line may hold " + std::to_string(limits::line_size_max) + " bytes",
                         {}};
    const Result<CallRequest> request =
        line.oversized ? Result<CallRequest>(too_long) : read_call(line.ordinal, line.text);
    if (!request) return answer(refuse_call(line.ordinal, request.error()));
    introduce(request->tool);
    in_flight_.insert(line.ordinal);
    host_.say(request->line);
  }

  // A tool of a host is known here, and has nobody to run it: that is what its calls are told.
  void introduce(const std::string& tool) {
    const ToolRule* rule = policy_.find_tool(tool);
    if (rule == nullptr || rule->exec || !introduced_.insert(tool).second) return;
    host_.say(register_line(-static_cast<std::int64_t>(introduced_.size()), tool));
  }

  void take(const std::string& line) {
    const auto known = read_answer(line);
    if (known) {
      in_flight_.erase(known->ordinal);
      answer(*known);
      return go_on();
    }
    if (is_open_) return;
    is_open_ = true;
    // The first line of the kernel answers initialize.
    const auto problem = read_refusal(line);
    if (!problem) return read();
    refused_ = true;
    complain(*problem);
    end_early();
  }

  void answer(const CallAnswer& one) {
    if (one.code != ExitCode::done && one.ordinal < first_bad_) {
      first_bad_ = one.ordinal;
      code_ = one.code;
    }
    out_ += one.line;
    out_ += '\n';
    write();
  }

  void write() {
    while (!out_.empty() && !writing_ && !output_lost_) {
      const Stream::Moved gone = output_.write(out_);
      out_.erase(0, gone.size);
      if (gone.error == EAGAIN) return wait_for_room();
      if (gone.error != 0) lose_output();
    }
    if (finished_ && (out_.empty() || output_lost_)) io_.stop();
  }

  void wait_for_room() {
    writing_ = true;
    output_ready_.wait([this] {
      writing_ = false;
      write();
      go_on();
    });
  }

  // Nobody reads any more: nothing new begins, and what runs is stopped.
  void lose_output() {
    output_lost_ = true;
    out_.clear();
    code_ = ExitCode::failed;
    first_bad_ = 0;
    end_early();
  }

  void end_early() {
    if (lines_.pending() > 0 || !input_ended_) {
      if (!refused_)
        log(LogLevel::warning, "told to stop; lines that were not read are not acted on");
      if (code_ == ExitCode::done) code_ = ExitCode::failed;
    }
    ending_ = input_ended_ = true;
    input_ready_.stop();
    end_kernel();
  }

  void end_kernel() {
    if (std::exchange(kernel_ended_, true)) return;
    host_.end_input();
  }

  void finish() {
    finished_ = true;
    write();
  }

  const Policy& policy_;
  asio::io_context io_{1};
  Stream input_, output_;
  Readiness input_ready_{io_, input_}, output_ready_{io_, output_};
  asio::signal_set signals_;
  std::array<char, limits::turn_bytes_max> chunk_{};
  LineBuffer lines_{limits::line_size_max};
  std::string out_;
  std::set<std::uint64_t> in_flight_;
  std::set<std::string> introduced_;
  std::uint64_t first_bad_ = std::numeric_limits<std::uint64_t>::max();
  ExitCode code_ = ExitCode::done;
  bool reading_ = false, writing_ = false, input_ended_ = false, output_lost_ = false;
  bool ending_ = false;        // before the input has: nothing more of it is acted on
  bool kernel_ended_ = false;  // it was told so
  bool finished_ = false;      // it has said its last
  bool is_open_ = false;       // it has answered initialize
  bool refused_ = false;       // by an error
  InProcessHost host_;
};

}  // namespace

ExitCode call(const CommonOptions& options, const CallOptions& words, const std::string& version) {
  const ProtocolDescriptors descriptors;
  start_log(LogLevel::warning);
  if (system_is_too_old()) {
    return complain(Error{ErrorCode::internal_error, "needs Linux 5.9 or newer", {}});
  }
  auto policy = open_policy(options);
  if (const auto* code = std::get_if<ExitCode>(&policy)) return *code;
  auto ledger = open_ledger(std::get<Policy>(policy), true);
  if (const auto* code = std::get_if<ExitCode>(&ledger)) return *code;
  Ledger& store = *std::get<std::unique_ptr<Ledger>>(ledger);
  SystemClock clock;
  if (const Step step = store.become_owner(clock.now().utc_ms); !step) {
    return complain(step.error());
  }
  SystemEntropy entropy;
  Kernel kernel(std::get<Policy>(policy), store, entropy, version);
  Filter filter(kernel, clock, std::get<Policy>(policy), descriptors.take_input(),
                descriptors.take_output());
  return filter.run(initialize_line(words, version));
}

}  // namespace tallygate
