// What a command's end says about its call.
#include "kernel/exec_end.h"

#include "protocol/limits.h"
#include "protocol/strict_json.h"
#include "support/catch.h"

#include <cerrno>
#include <csignal>

namespace tallygate {
namespace {

ExecutionEnded exited(int code, std::string out = {}, std::string err = {}) {
  ExecutionEnded end;
  end.how = ExecutionEnded::How::exited;
  end.number = code;
  end.out = std::move(out);
  end.err = std::move(err);
  return end;
}

bool holds(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("a good end answers what was written, as text or as JSON", "[kernel]") {
  const CommandEnd text = read_end(exited(0, "a \"b\"\n"), false);
  CHECK((text.ok && text.ran && text.reason.empty()));
  CHECK(text.output == R"("a \"b\"\n")");
  CHECK(read_end(exited(0), false).output == "\"\"");
  CHECK(read_end(exited(0, "{\"a\": [1.50]}\n"), true).output == R"({"a":[1.50]})");
}

TEST_CASE("JSON that is none, or too long, is a tool's error", "[kernel]") {
  for (const char* out : {"", "{", "1 2", "{\"a\":1,\"a\":2}", "\"\xff\""}) {
    CAPTURE(out);
    const CommandEnd end = read_end(exited(0, out), true);
    CHECK_FALSE(end.ok);
    CHECK(end.ran);
    CHECK(end.code == Code::tool_error);
    CHECK(holds(end.reason, "the tool's output is not JSON"));
  }
  ExecutionEnded cut = exited(0, "1");
  cut.out_dropped = 1;
  CHECK(holds(read_end(cut, true).reason, "too long"));
}

TEST_CASE("an exit code and a signal are told apart, with the end of stderr", "[kernel]") {
  const CommandEnd code = read_end(exited(9, "", "fatal: no\x1b[31m\xff thing\n"), false);
  CHECK(code.code == Code::tool_error);
  CHECK(code.reason ==
        "the tool exited with code 9; the end of its stderr: "
        "\"fatal: no\\u001b[31m\xef\xbf\xbd thing\"");
  ExecutionEnded killed = exited(SIGKILL);
  killed.how = ExecutionEnded::How::signalled;
  CHECK(read_end(killed, false).reason ==
        "the tool was ended by signal 9 (SIGKILL); it wrote nothing to stderr");
}

TEST_CASE("a reason stays short whatever stderr holds", "[kernel]") {
  const std::string err = GENERATE(std::string(70'000, 'x'), std::string(70'000, '\1'),
                                   std::string(70'000, '\xff'), std::string(3000, '\xc3'));
  const CommandEnd end = read_end(exited(1, "", err), false);
  CHECK(end.reason.size() <= limits::reason_size_max);
  // Whole characters: one cut in the middle is left out.
  std::string letters;
  for (int i = 0; i < 1000; ++i) letters += "\xe2\x82\xac";
  CHECK_FALSE(holds(read_end(exited(1, "", letters), false).reason, "\xef\xbf\xbd"));
}

TEST_CASE("text that is not UTF-8 or too long is mended, and said to be", "[kernel]") {
  const CommandEnd mended = read_end(exited(0, "a\xff"), false);
  CHECK(mended.ok);
  CHECK(mended.output == "\"a\xef\xbf\xbd\"");
  CHECK(holds(mended.reason, "not UTF-8"));
  // Escapes make it longer than what was written: the answer still fits into a line.
  ExecutionEnded long_end = exited(0, std::string(limits::output_size_max, '\1'));
  long_end.out_dropped = 7;
  const CommandEnd cut = read_end(long_end, false);
  CHECK(cut.ok);
  CHECK(cut.output.size() <= limits::output_size_max);
  CHECK(cut.output.size() > limits::output_size_max - 32'768);
  CHECK(strict_json(cut.output).ok());
  const std::size_t kept = (cut.output.size() - 2) / 6;
  CHECK(holds(cut.reason, "its last " + std::to_string(limits::output_size_max - kept + 7) +
                              " bytes were dropped"));
}

TEST_CASE("a program that never ran says what to mend", "[kernel]") {
  ExecutionEnded end;
  end.place = "cannot run /bin/nope";
  end.number = GENERATE(ENOENT, EACCES, ENOEXEC, EAGAIN);
  const CommandEnd none = read_end(end, false);
  CHECK_FALSE(none.ran);
  CHECK(none.code == Code::no_executor);
  CHECK(none.reason.starts_with("cannot run /bin/nope: "));
  CHECK(holds(none.reason, "nothing was run"));
  end.number = E2BIG;
  CHECK(read_end(end, false).code == Code::invalid_args);
}

}  // namespace
}  // namespace tallygate
