// Budgets as people read them: below their scopes, with bars that add up.
#include "cli/budget_tree.h"

#include "cli/csv.h"
#include "cli/output.h"
#include "support/catch.h"

#include <algorithm>
#include <sstream>

namespace tallygate {
namespace {

std::string bar(std::int64_t cap, std::int64_t spent, std::int64_t reserved, std::int64_t overrun,
                std::size_t cells = 10) {
  return bar_of({{cap}, {spent}, {reserved}, {overrun}}, cells);
}

BudgetLine line(const std::string& scope, const std::string& unit = "usd") {
  BudgetLine out;
  out.scope = scope;
  out.unit = unit;
  out.window = "month";
  out.cap = "20";
  out.reserved = "2";
  out.spent = "8";
  out.overrun = "0";
  out.available = "10";
  out.state = "open";
  out.resets_at = "2026-12-01T00:00:00.000Z";
  return out;
}

Policy with_groups() {
  Policy policy;
  policy.groups = {{"company", ""}, {"web", "company"}};
  policy.agents = {{"coder", "web"}};
  return policy;
}

}  // namespace

TEST_CASE("a bar shows what is spent, reserved, overrun and free", "[cli]") {
  CHECK(bar(100, 0, 0, 0) == "..........");
  CHECK(bar(100, 50, 20, 0) == "#####++...");
  CHECK(bar(100, 100, 0, 0) == "##########");
  CHECK(bar(50, 50, 0, 50) == "#####!!!!!");
  CHECK(bar(0, 0, 0, 0) == "          ");
  CHECK(bar(0, 0, 0, 7) == "!!!!!!!!!!");
}

TEST_CASE("whatever is more than nothing has a cell of a bar", "[cli]") {
  CHECK(bar(1'000'000, 1, 1, 0) == "#+........");
  CHECK(bar(1'000'000, 999'999, 0, 0) == "#########.");
  CHECK(bar(1'000'000, 999'998, 1, 0) == "########+.");
  CHECK(bar(10, 10, 0, 1) == "#########!");
  CHECK(bar(3, 1, 1, 1) == "###+++!!!!");
}

TEST_CASE("a bar of amounts near the largest still adds up", "[cli]") {
  CHECK(bar(INT64_MAX, INT64_MAX / 2, 0, 0) == "####......");
  CHECK(bar(INT64_MAX, INT64_MAX, 0, INT64_MAX) == "#####!!!!!");
  CHECK(bar(INT64_MAX, 0, 0, 0, 300) == std::string(300, '.'));
}

TEST_CASE("every part of every bar has the size that it was given", "[cli]") {
  for (std::int64_t spent = 0; spent <= 12; ++spent) {
    for (std::int64_t reserved = 0; reserved + spent <= 12; ++reserved) {
      for (std::int64_t over = 0; over < 3; ++over) {
        const std::string drawn = bar(12, spent, reserved, over, 17);
        CAPTURE(drawn);
        REQUIRE(drawn.size() == 17);
        CHECK((std::ranges::count(drawn, '#') > 0) == (spent > 0));
        CHECK((std::ranges::count(drawn, '+') > 0) == (reserved > 0));
        CHECK((std::ranges::count(drawn, '!') > 0) == (over > 0));
        CHECK((std::ranges::count(drawn, '.') > 0) == (spent + reserved + over < 12));
      }
    }
  }
}

TEST_CASE("a scope stands below its groups, its agent and its run", "[cli]") {
  const Policy policy = with_groups();
  const auto path = [&](const char* scope) {
    std::string text;
    for (const std::string& name : scope_path(policy, scope)) text += name + ">";
    return text;
  };
  CHECK(path("global") == "global>");
  CHECK(path("group:web") == "global>group:company>group:web>");
  CHECK(path("agent:coder") == "global>group:company>group:web>agent:coder>");
  CHECK(path("agent:other") == "global>agent:other>");
  CHECK(path("run:coder/r1") == "global>group:company>group:web>agent:coder>run:coder/r1>");
  CHECK(path("agent:coder run:coder/r1") ==
        "global>group:company>group:web>agent:coder>run:coder/r1>");
  CHECK(path("global run:other/r1") == "global>agent:other>run:other/r1>");
}

TEST_CASE("the tree is the same for the same budgets, and fits", "[cli]") {
  const std::vector<BudgetLine> lines{line("run:coder/r1"), line("agent:coder"), line("global"),
                                      line("group:web", "tokens:in"), line("global run:coder/r1")};
  const std::string text = budget_tree(with_groups(), lines, 80, false);
  CHECK(text == R"(global
  usd month                     [##############+++..................]  open
    cap 20, spent 8, reserved 2, overrun 0, available 10, resets
    2026-12-01T00:00:00.000Z
  group:company
    group:web
      tokens:in month           [##############+++..................]  open
        cap 20, spent 8, reserved 2, overrun 0, available 10, resets
        2026-12-01T00:00:00.000Z
      agent:coder
        usd month               [##############+++..................]  open
          cap 20, spent 8, reserved 2, overrun 0, available 10, resets
          2026-12-01T00:00:00.000Z
        run:coder/r1
          usd month             [##############+++..................]  open
            cap 20, spent 8, reserved 2, overrun 0, available 10, resets
            2026-12-01T00:00:00.000Z
          usd month, of global  [##############+++..................]  open
            cap 20, spent 8, reserved 2, overrun 0, available 10, resets
            2026-12-01T00:00:00.000Z
# spent   + reserved   ! overrun   . free
)");
  std::istringstream rows(text);
  for (std::string row; std::getline(rows, row);) CHECK(row.size() <= 80);
}

TEST_CASE("a wide terminal has wider bars, a narrow one still has some", "[cli]") {
  const std::vector<BudgetLine> lines{line("global")};
  const auto bar_size = [&](std::size_t columns) {
    const std::string text = budget_tree(Policy(), lines, columns, false);
    return text.find(']') - text.find('[');
  };
  CHECK(bar_size(160) == bar_size(80) + 80);
  CHECK(bar_size(20) == 13);
}

TEST_CASE("colours are added to a tree and change nothing else in it", "[cli]") {
  const std::vector<BudgetLine> lines{line("global"), line("agent:coder")};
  std::string text = budget_tree(Policy(), lines, 80, true);
  CHECK(text.find("\x1b[32m#") != std::string::npos);
  CHECK(text.find("\x1b[33m+") != std::string::npos);
  for (std::size_t at = 0; (at = text.find('\x1b')) != std::string::npos;) {
    text.erase(at, text.find('m', at) + 1 - at);
  }
  CHECK(text == budget_tree(Policy(), lines, 80, false));
}

TEST_CASE("names of others in a tree are made visible", "[cli]") {
  const std::string text = budget_tree(Policy(), {line("agent:a\x1b[2J", "u\nv")}, 80, false);
  CHECK(text.find("agent:a\\u{1b}[2J") != std::string::npos);
  CHECK(text.find("u\\nv month") != std::string::npos);
}

TEST_CASE("cells that a spreadsheet would calculate stand behind a mark", "[cli]") {
  for (const char* text : {"=1+1", "+1", "-1", "@SUM(1)"}) {
    CHECK(text_cell(text) == "'" + std::string(text));
  }
  CHECK(text_cell("1=1") == "1=1");
  CHECK(text_cell("") == "");
  CHECK(text_cell("\t=1") == "\\u{9}=1");
  CHECK(csv_record({"a", "b,c", "d\"e", "", "f\ng"}) == "a,\"b,c\",\"d\"\"e\",,\"f\ng\"\r\n");
}

}  // namespace tallygate
