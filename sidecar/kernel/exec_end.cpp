#include "kernel/exec_end.h"

#include "protocol/json_writer.h"
#include "protocol/limits.h"
#include "protocol/strict_json.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace tallygate {
namespace {

// Text is quoted in pieces of this size, so that no more than that is lost to a cut.
constexpr std::size_t piece_size = 4 * limits::kibibyte;

bool continues_a_character(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80U; }

// The size of the next piece: whole characters, where these are characters.
std::size_t next_piece(std::string_view text) {
  if (text.size() <= piece_size) return text.size();
  std::size_t size = piece_size;
  for (int step = 0; step < 3 && continues_a_character(text[size]); ++step) --size;
  return size;
}

// `text` as a JSON string within the limit for outputs; `rest` is what did not fit.
std::string quoted_within(std::string_view text, std::size_t& rest) {
  std::string out = "\"";
  while (!text.empty()) {
    const std::size_t size = next_piece(text);
    const std::string piece = quoted(text.substr(0, size));
    if (out.size() + piece.size() > limits::output_size_max) break;
    out.append(piece, 1, piece.size() - 2);
    text.remove_prefix(size);
  }
  rest = text.size();
  return out += '"';
}

// The end of stderr, in one line: whole characters, nothing that moves a terminal.
std::string last_words(std::string_view err) {
  while (!err.empty() && (err.back() == '\n' || err.back() == '\r')) err.remove_suffix(1);
  std::size_t size = std::min(err.size(), limits::stderr_told_max);
  std::string told;
  do {
    std::string_view tail = err.substr(err.size() - size);
    for (int step = 0; step < 3 && !tail.empty() && continues_a_character(tail.front()); ++step) {
      tail.remove_prefix(1);
    }
    told = quoted(tail);
    size /= 2;
  } while (told.size() > limits::stderr_told_max + limits::stderr_told_max / 2);
  return told;
}

std::string with_last_words(std::string reason, const ExecutionEnded& end) {
  if (end.err.empty()) return reason + "; it wrote nothing to stderr";
  return reason + "; the end of its stderr: " + last_words(end.err);
}

// strsignal(3) speaks the language of the environment; these words do not.
std::string signal_words(int signal) {
  switch (signal) {
    case SIGTERM: return "SIGTERM";
    case SIGKILL: return "SIGKILL";
    case SIGSEGV: return "SIGSEGV";
    case SIGABRT: return "SIGABRT";
    case SIGPIPE: return "SIGPIPE";
    case SIGINT: return "SIGINT";
    case SIGHUP: return "SIGHUP";
    case SIGXCPU: return "SIGXCPU";
    default: return "see kill -l";
  }
}

std::string remedy_for(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR: return "an operator must install it or mend the tool's command or cwd";
    case EACCES:
    case EPERM: return "an operator must make it executable for the sidecar's user";
    case ENOEXEC: return "it is no program; an operator must mend the tool's command";
    case E2BIG: return "the arguments are too long for a command line; send shorter ones";
    default: return "try again, or ask an operator";
  }
}

CommandEnd never_ran(const ExecutionEnded& end) {
  CommandEnd out;
  out.ran = false;
  out.code = end.number == E2BIG ? Code::invalid_args : Code::no_executor;
  out.reason = end.place + ": " + std::generic_category().message(end.number) +
               "; nothing was run; " + remedy_for(end.number);
  return out;
}

CommandEnd failed(std::string reason, const ExecutionEnded& end) {
  CommandEnd out;
  out.code = Code::tool_error;
  out.reason = with_last_words(std::move(reason), end);
  return out;
}

void add_note(std::string& notes, std::string_view note) {
  if (!notes.empty()) notes += "; ";
  notes += note;
}

CommandEnd read_text(const ExecutionEnded& end) {
  CommandEnd out;
  out.ok = true;
  std::size_t rest = 0;
  out.output = quoted_within(end.out, rest);
  const std::uint64_t dropped = end.out_dropped + rest;
  if (!is_utf8(end.out)) add_note(out.reason, "what was not UTF-8 in the output was replaced");
  if (dropped > 0) {
    add_note(out.reason, "the output was too long: its last " + std::to_string(dropped) +
                             " bytes were dropped");
  }
  if (end.was_held_open) {
    add_note(out.reason,
             "processes that the tool left behind held its output and were ended; it "
             "may be incomplete");
  }
  return out;
}

CommandEnd read_json(const ExecutionEnded& end) {
  if (end.out_dropped > 0) {
    return failed("the tool wrote more than " + std::to_string(limits::output_size_max) +
                      " bytes, too long to be its JSON output",
                  end);
  }
  const Result<JsonText> json = strict_json(end.out);
  if (!json) return failed("the tool's output is not JSON: " + json.error().message, end);
  CommandEnd out;
  out.ok = true;
  out.output = std::string(json->view().raw);
  return out;
}

}  // namespace

CommandEnd read_end(const ExecutionEnded& end, bool json_output) {
  switch (end.how) {
    case ExecutionEnded::How::not_started: return never_ran(end);
    case ExecutionEnded::How::signalled:
      return failed("the tool was ended by signal " + std::to_string(end.number) + " (" +
                        signal_words(end.number) + ")",
                    end);
    case ExecutionEnded::How::exited: break;
  }
  if (end.number != 0) {
    return failed("the tool exited with code " + std::to_string(end.number), end);
  }
  return json_output ? read_json(end) : read_text(end);
}

}  // namespace tallygate
