// The doctor's report: which exit code, in which words, and that nothing in it deceives.
#include "cli/doctor/doctor.h"

#include "cli/doctor/words.h"
#include "support/catch.h"

namespace tallygate {
namespace {

Report with_problems(const std::vector<ExitCode>& codes) {
  Report report;
  report.sections.push_back({"one", {}});
  report.sections.back().ok("fine");
  report.sections.push_back({"two", {}});
  for (const ExitCode code : codes) report.sections.back().problem(code, "bad", {"mend it"});
  return report;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("the store counts before the configuration, and a doubt only alone", "[cli]") {
  using enum ExitCode;
  CHECK(with_problems({}).code() == done);
  CHECK(with_problems({in_doubt}).code() == in_doubt);
  CHECK(with_problems({in_doubt, usage}).code() == usage);
  CHECK(with_problems({in_doubt, usage, failed}).code() == failed);
  Report noted;
  noted.sections.push_back({"one", {}});
  noted.sections.back().note("odd");
  CHECK(noted.code() == done);
}

TEST_CASE("each finding has its word, and each problem its remedy", "[cli]") {
  const std::string text = in_words(with_problems({ExitCode::failed}), false);
  CHECK(holds(text, "one\n  ok       fine\n"));
  CHECK(holds(text, "two\n  problem  bad\n           remedy: mend it\n"));
  CHECK(holds(text, "\n1 problem\n"));
  CHECK_FALSE(holds(text, "\x1b"));
  CHECK(holds(in_words(with_problems({}), false), "nothing is wrong\n"));
}

TEST_CASE("colour stands beside the words, never in their place", "[cli]") {
  const std::string text = in_words(with_problems({ExitCode::failed}), true);
  CHECK(holds(text, "\x1b[31mproblem\x1b[0m"));
  CHECK(holds(text, "\x1b[32mok\x1b[0m"));
}

TEST_CASE("what others wrote can neither colour nor break the report", "[cli]") {
  Report report;
  report.sections.push_back({"one", {}});
  report.sections.back().note("a\nproblem \x1b[32m\u202e", {"rm\nx"});
  const std::string text = in_words(report, false);
  CHECK(holds(text, "a\\nproblem \\u{1b}[32m\\u{202e}\n"));
  CHECK(holds(text, "remedy: rm\\nx\n"));
  CHECK(holds(in_json(report), R"("text":"a\nproblem \u001b[32m)"));
}

TEST_CASE("sentences are broken at the margin, commands are not", "[cli]") {
  Report report;
  report.sections.push_back({"one", {}});
  std::string words;
  for (int i = 0; i < 60; ++i) words += "word ";
  report.sections.back().note(words, {words});
  const std::string text = in_words(report, false);
  CHECK(holds(text, "word\n           word"));
  CHECK(holds(text, "remedy: " + words));
}

TEST_CASE("words for shells, sizes and times", "[cli]") {
  CHECK(shell_word("/a/b-c.db") == "/a/b-c.db");
  CHECK(shell_word("a b") == "'a b'");
  CHECK(shell_word("it's; rm") == "'it'\\''s; rm'");
  CHECK(shell_word("") == "''");
  CHECK(size_text(0) == "0 bytes");
  CHECK(size_text(2047) == "1 KiB");
  CHECK(size_text(std::uint64_t{3} << 30U) == "3 GiB");
  CHECK(duration_text(1234) == "1.2 s");
  CHECK(duration_text(200'000) == "3 min 20 s");
  CHECK(duration_text(5 * 3'600'000) == "5 h 0 min");
  CHECK(duration_text(53 * 3'600'000) == "2 days 5 h");
  CHECK(mode_text(0100640) == "0640");
}

TEST_CASE("a remedy names the configuration as it was named", "[cli]") {
  Premises premises;
  CHECK(premises.command("doctor") == "tallygate doctor");
  premises.options.config = "my policy.toml";
  CHECK(premises.command("doctor") == "tallygate doctor -c 'my policy.toml'");
}

}  // namespace
}  // namespace tallygate
