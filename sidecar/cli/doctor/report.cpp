#include "cli/doctor/doctor.h"
#include "cli/output.h"
#include "protocol/json_writer.h"

#include <algorithm>
#include <sstream>
#include <utility>

namespace tallygate {
namespace {

// Wide enough for "problem".
constexpr std::size_t health_width = 9;
// Sentences are broken here; commands never are, so that they can be copied.
constexpr std::size_t line_width = 96;

std::string_view to_text(Health health) {
  switch (health) {
    case Health::ok: return "ok";
    case Health::note: return "note";
    case Health::problem: return "problem";
  }
  return "problem";
}

// Green, yellow, red: beside the words, never in their place.
std::string_view colour_of(Health health) {
  switch (health) {
    case Health::ok: return "\x1b[32m";
    case Health::note: return "\x1b[33m";
    case Health::problem: return "\x1b[31m";
  }
  return {};
}

std::string label(Health health, bool in_colour) {
  const std::string word(to_text(health));
  const std::string gap(health_width - word.size(), ' ');
  if (!in_colour) return word + gap;
  return std::string(colour_of(health)) + word + "\x1b[0m" + gap;
}

// `text` broken at spaces, each further line behind `margin`.
std::string wrapped(const std::string& text, const std::string& margin) {
  std::string out;
  std::size_t column = margin.size();
  std::istringstream words(text);
  for (std::string word; words >> word; column += word.size() + 1) {
    const bool is_first = column == margin.size();
    if (!is_first && column + word.size() > line_width) {
      out += "\n" + margin;
      column = margin.size();
    } else if (!is_first) {
      out += " ";
    }
    out += word;
  }
  return out;
}

Health worst_of(const Report& report) {
  Health worst = Health::ok;
  for (const Section& section : report.sections) {
    for (const Finding& finding : section.findings) worst = std::max(worst, finding.health);
  }
  return worst;
}

std::string last_line(const Report& report) {
  std::int64_t problems = 0;
  for (const Section& section : report.sections) {
    problems += std::ranges::count(section.findings, Health::problem, &Finding::health);
  }
  if (problems == 0) return "nothing is wrong\n";
  return problems == 1 ? "1 problem\n" : std::to_string(problems) + " problems\n";
}

void write(JsonWriter& out, const Finding& finding) {
  out.begin_object().field("status", to_text(finding.health)).field("text", finding.text);
  if (!finding.remedies.empty()) {
    out.key("remedies").begin_array();
    for (const std::string& remedy : finding.remedies) out.string(remedy);
    out.end_array();
  }
  if (!finding.data.empty()) out.raw_field("data", finding.data);
  out.end_object();
}

}  // namespace

void Section::note(std::string text, std::vector<std::string> remedies, std::string data) {
  findings.push_back({Health::note, std::move(text), std::move(remedies), std::move(data)});
}

void Section::problem(ExitCode code, std::string text, std::vector<std::string> remedies,
                      std::string data) {
  findings.push_back(
      {Health::problem, std::move(text), std::move(remedies), std::move(data), code});
}

ExitCode Report::code() const {
  for (const ExitCode code : {ExitCode::failed, ExitCode::usage, ExitCode::in_doubt}) {
    for (const Section& section : sections) {
      if (std::ranges::count(section.findings, code, &Finding::code) > 0) return code;
    }
  }
  return ExitCode::done;
}

std::string in_words(const Report& report, bool in_colour) {
  const std::string margin(2 + health_width, ' ');
  std::string out;
  for (const Section& section : report.sections) {
    out += section.name + "\n";
    for (const Finding& finding : section.findings) {
      out += "  " + label(finding.health, in_colour);
      out += wrapped(visible(finding.text), margin) + "\n";
      const char* word = "remedy: ";
      for (const std::string& remedy : finding.remedies) {
        out += margin + std::exchange(word, "    or: ") + visible(remedy) + "\n";
      }
    }
  }
  return out + "\n" + last_line(report);
}

std::string in_json(const Report& report) {
  JsonWriter out;
  out.begin_object().field("status", to_text(worst_of(report)));
  out.field("exitCode", static_cast<std::int64_t>(report.code())).key("sections").begin_array();
  for (const Section& section : report.sections) {
    out.begin_object().field("name", section.name).key("findings").begin_array();
    for (const Finding& finding : section.findings) write(out, finding);
    out.end_array().end_object();
  }
  return out.end_array().end_object().take() + "\n";
}

}  // namespace tallygate
