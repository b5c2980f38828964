// Draws the ratios as bars. The picture takes its colours from the reader's light or dark theme,
// and says in words what is met: colour alone tells nothing.
#include "report.h"

#include <algorithm>
#include <fstream>
#include <stdexcept>

namespace tallygate::bench {
namespace {

constexpr int width = 1080, row_height = 24, top = 64, bottom = 34;
constexpr int label_width = 450, bars_width = 330;
constexpr double scale_max = 2.5;  // a longer bar is cut off and marked by its number

constexpr const char* style =
    "<style>\n"
    "svg { background: #fff; color: #1f2328; font: 13px system-ui, sans-serif; }\n"
    ".bar { fill: #4a7fb5; } .missed { fill: none; stroke: #b3541e; stroke-width: 2;"
    " stroke-dasharray: 4 2; }\n"
    ".quiet { stroke: #9aa1a9; } .limit { stroke: currentColor; stroke-width: 2; }\n"
    "text { fill: currentColor; } .head { font-size: 16px; font-weight: 600; }\n"
    "@media (prefers-color-scheme: dark) {\n"
    "  svg { background: #15181c; color: #e3e6ea; } .bar { fill: #6ba3dc; }"
    " .missed { stroke: #f0915a; } .quiet { stroke: #5b636c; }\n}\n</style>\n";

std::string escaped(const std::string& text) {
  std::string safe;
  for (const char letter : text) {
    if (letter == '<')
      safe += "&lt;";
    else if (letter == '>')
      safe += "&gt;";
    else if (letter == '&')
      safe += "&amp;";
    else
      safe += letter;
  }
  return safe;
}

std::string at(double ratio) {
  return fixed_text(label_width + bars_width * std::min(ratio, scale_max) / scale_max, 1);
}

std::string text_at(const std::string& x, int y, const std::string& text, const char* more = "") {
  return "<text x=\"" + x + "\" y=\"" + std::to_string(y) + "\"" + more + ">" + escaped(text) +
         "</text>\n";
}

std::string upright(double ratio, int from, int to, const char* kind) {
  return "<line class=\"" + std::string(kind) + "\" x1=\"" + at(ratio) + "\" x2=\"" + at(ratio) +
         "\" y1=\"" + std::to_string(from) + "\" y2=\"" + std::to_string(to) + "\"/>\n";
}

std::string bar(const ReportRow& row, int y) {
  const double ratio = row.ratio->median;
  std::string text =
      text_at(std::to_string(label_width - 10), y + 16,
              row.scenario + " · " + row.variant + " · " + row.what + ", to " + row.against,
              " text-anchor=\"end\"");
  text += "<rect class=\"" + std::string(is_met(row) ? "bar" : "missed") + "\" x=\"" + at(0) +
          "\" y=\"" + std::to_string(y + 4) + "\" width=\"" +
          fixed_text(bars_width * std::min(ratio, scale_max) / scale_max, 1) + "\" height=\"" +
          std::to_string(row_height - 8) + "\"/>\n";
  std::string said = fixed_text(ratio, 2) + (ratio > scale_max ? "x (cut off)" : "x");
  if (row.target) {
    if (!row.target->of_ratio) said += ", " + figure_text(row.value) + " " + row.unit;
    said += ", " + std::string(verdict(row)) + " (" + target_text(row) + ")";
    // Where the figure itself has the target, there is no place for it on this scale.
    if (row.target->of_ratio)
      text += upright(row.target->limit, y + 1, y + row_height - 1, "limit");
  }
  return text + text_at(std::to_string(label_width + bars_width + 12), y + 16, said);
}

std::string scale(int end) {
  std::string text;
  for (const double mark : {0.0, 0.5, 1.0, 1.5, 2.0, 2.5}) {
    text += upright(mark, top - 4, end, "quiet");
    text += text_at(at(mark), end + 18, fixed_text(mark, 1) + "x", " text-anchor=\"middle\"");
  }
  return text;
}

}  // namespace

void draw(const Report& report, const std::string& path) {
  std::string bars;
  int y = top;
  for (const ReportRow& row : report.rows) {
    if (!row.ratio || row.is_head_room) continue;
    bars += bar(row, y);
    y += row_height;
  }
  std::ofstream out(path);
  out << "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << width << ' ' << y + bottom
      << "\">\n"
      << style << text_at("16", 26, "tallygate: ratios of one run", " class=\"head\"")
      << text_at("16", 46,
                 "Of times less is better, of calls/s more. A thick upright line is a target; a "
                 "dashed bar missed it.")
      << scale(y) << bars << "</svg>\n";
  if (!out.flush()) throw std::runtime_error("cannot write " + path);
}

}  // namespace tallygate::bench
