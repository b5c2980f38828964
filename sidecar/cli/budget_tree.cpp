#include "cli/budget_tree.h"

#include "cli/command_tree.h"
#include "cli/output.h"

#include <algorithm>
#include <array>
#include <map>

namespace tallygate {
namespace {

constexpr std::string_view agent_mark = "agent:", group_mark = "group:", run_mark = "run:";
constexpr std::size_t indent = 2;
constexpr std::size_t state_size = 9;  // "exhausted"
constexpr std::size_t bar_size_min = 12;
constexpr std::size_t label_size_max = 36;
constexpr const char* legend = "# spent   + reserved   ! overrun   . free\n";

struct Node {
  std::vector<const BudgetLine*> lines;
  std::map<std::pair<int, std::string>, Node> below;  // groups, then agents, then runs
};

int rank_of(std::string_view scope) {
  if (scope.starts_with(group_mark)) return 1;
  if (scope.starts_with(agent_mark)) return 2;
  return scope.starts_with(run_mark) ? 3 : 0;
}

// "agent:coder run:coder/r1" is a budget of the agent that counts this run alone.
std::string_view run_of(std::string_view scope) {
  const std::size_t split = scope.find(run_mark);
  return split == std::string_view::npos ? std::string_view() : scope.substr(split);
}

// e.g. "usd day (Europe/Berlin)".
std::string label_of(const BudgetLine& line) {
  std::string label = visible(line.unit) + " " + line.window;
  if (!line.timezone.empty()) label += " (" + line.timezone + ")";
  const std::string_view run = run_of(line.scope);
  if (!run.empty() && run.size() < line.scope.size()) {
    const std::size_t split = line.scope.size() - run.size() - 1;
    label += ", of " + visible(line.scope.substr(0, split));
  }
  if (line.from_launch) label += ", of the launch";
  return label;
}

// The group and what stands above it, the nearest first.
std::vector<std::string> groups_above(const Policy& policy, std::string group) {
  std::vector<std::string> chain;
  while (!group.empty() && chain.size() <= policy.groups.size()) {
    chain.push_back(group);
    const auto rule = std::ranges::find(policy.groups, group, &GroupRule::name);
    group = rule == policy.groups.end() ? std::string() : rule->parent;
  }
  return chain;
}

std::string coloured(const std::string& bar) {
  std::string out;
  for (std::size_t from = 0; from < bar.size();) {
    const std::size_t to = std::min(bar.find_first_not_of(bar[from], from), bar.size());
    const std::string part = bar.substr(from, to - from);
    const char kind = bar[from];
    out += kind == '#'   ? inked(part, Ink::green)
           : kind == '+' ? inked(part, Ink::yellow)
           : kind == '!' ? inked(part, Ink::red)
                         : part;
    from = to;
  }
  return out;
}

std::string figures_of(const BudgetLine& line) {
  std::string text = "cap " + line.cap;
  if (!line.added.empty()) text += " (" + line.added + " added)";
  text += ", spent " + line.spent + ", reserved " + line.reserved + ", overrun " + line.overrun +
          ", available " + line.available;
  if (!line.resets_at.empty()) text += ", resets " + line.resets_at;
  return text;
}

class Drawing {
 public:
  Drawing(const Policy& policy, std::size_t columns, bool in_colour)
      : policy_(policy), columns_(columns), in_colour_(in_colour) {}

  void measure(const Node& node, std::size_t depth);
  void draw(const std::string& name, const Node& node, std::size_t depth);
  std::string take() { return std::move(text_) + legend; }

 private:
  void draw_line(const BudgetLine& line, std::size_t margin);
  BarParts parts_of(const BudgetLine& line) const;
  std::size_t bar_size() const {
    const std::size_t others = labels_ + state_size + 2 * indent + 2;  // and the brackets
    return columns_ > others + bar_size_min ? columns_ - others : bar_size_min;
  }

  const Policy& policy_;
  std::size_t columns_;
  bool in_colour_;
  std::size_t labels_ = 0;  // the column where bars begin
  std::string text_;
};

// Bars stand below one another; a label that is longer than most has a line for itself.
void Drawing::measure(const Node& node, std::size_t depth) {
  for (const BudgetLine* line : node.lines) {
    const std::size_t size = (depth + 1) * indent + columns_of(label_of(*line));
    if (size <= label_size_max) labels_ = std::max(labels_, size);
  }
  for (const auto& [name, below] : node.below) measure(below, depth + 1);
}

BarParts Drawing::parts_of(const BudgetLine& line) const {
  const auto read = [&](const std::string& text) {
    const Result<Amount> amount = parse_amount(text, policy_.scale_of(line.unit));
    return amount ? *amount : Amount{};
  };
  return {read(line.cap), read(line.spent), read(line.reserved), read(line.overrun)};
}

void Drawing::draw_line(const BudgetLine& line, std::size_t margin) {
  const std::string label = std::string(margin, ' ') + label_of(line);
  const std::size_t size = columns_of(label);
  text_ += label;
  if (size > labels_) text_ += "\n";
  text_ += std::string(labels_ - (size > labels_ ? 0 : size), ' ');
  const std::string bar = bar_of(parts_of(line), bar_size());
  text_ += "  [" + (in_colour_ ? coloured(bar) : bar) + "]  " + line.state + "\n";
  const std::size_t inner = margin + indent;
  text_ += std::string(inner, ' ') + folded(figures_of(line), inner, columns_) + "\n";
}

void Drawing::draw(const std::string& name, const Node& node, std::size_t depth) {
  const std::string heading = visible(name);
  text_ +=
      std::string(depth * indent, ' ') + (in_colour_ ? inked(heading, Ink::bold) : heading) + "\n";
  for (const BudgetLine* line : node.lines) draw_line(*line, (depth + 1) * indent);
  for (const auto& [key, below] : node.below) draw(key.second, below, depth + 1);
}

}  // namespace

std::vector<std::string> scope_path(const Policy& policy, std::string_view scope) {
  std::vector<std::string> path{"global"};
  const std::string_view run = run_of(scope);
  std::string_view above = scope.substr(0, scope.size() - run.size());
  std::string agent;
  if (!run.empty()) {
    const std::string_view name = run.substr(run_mark.size());
    agent = std::string(name.substr(0, name.find('/')));
  } else if (above.starts_with(agent_mark)) {
    agent = std::string(above.substr(agent_mark.size()));
  }
  std::vector<std::string> groups;
  if (!agent.empty()) groups = policy.groups_of(agent);
  if (agent.empty() && above.starts_with(group_mark)) {
    groups = groups_above(policy, std::string(above.substr(group_mark.size())));
  }
  for (auto group = groups.rbegin(); group != groups.rend(); ++group) {
    path.push_back(std::string(group_mark) + *group);
  }
  if (!agent.empty()) path.push_back(std::string(agent_mark) + agent);
  if (!run.empty()) path.emplace_back(run);
  return path;
}

std::string bar_of(const BarParts& parts, std::size_t cells) {
  std::array<std::int64_t, 3> used{parts.spent.steps, parts.reserved.steps, parts.overrun.steps};
  std::int64_t cap = parts.cap.steps;
  // Near int64 the last digits do not matter; room for a sum and for so many cells does.
  const std::int64_t most = std::max(cap, *std::ranges::max_element(used));
  for (std::int64_t left = most; left > INT64_MAX / 4096; left /= 2) {
    for (std::int64_t* part : {&used[0], &used[1], &used[2], &cap}) *part /= 2;
  }
  const std::int64_t sum = used[0] + used[1] + used[2];
  const std::int64_t whole = std::max({cap, sum, std::int64_t{1}});
  std::array<std::size_t, 3> sizes{};
  std::size_t taken = sum < cap ? 1 : 0;  // what is free shows as well
  for (std::size_t i = 0; i < used.size(); ++i) {
    sizes[i] = static_cast<std::size_t>(used[i] * static_cast<std::int64_t>(cells) / whole);
    if (used[i] > 0) sizes[i] = std::max<std::size_t>(sizes[i], 1);
    taken += sizes[i];
  }
  for (; taken > cells; --taken) --*std::ranges::max_element(sizes);
  std::string bar;
  for (std::size_t i = 0; i < sizes.size(); ++i) bar.append(sizes[i], "#+!"[i]);
  // Rounding leaves a cell or two: they are the last part's where nothing is free.
  const char rest = sum < cap ? '.' : bar.empty() ? ' ' : bar.back();
  return bar.append(cells - bar.size(), rest);
}

std::string budget_tree(const Policy& policy, const std::vector<BudgetLine>& lines,
                        std::size_t columns, bool in_colour) {
  if (lines.empty()) return "no such budget\n";
  Node root;
  for (const BudgetLine& line : lines) {
    const std::vector<std::string> path = scope_path(policy, line.scope);
    Node* place = &root;
    for (std::size_t i = 1; i < path.size(); ++i) {
      place = &place->below[{rank_of(path[i]), path[i]}];
    }
    place->lines.push_back(&line);
  }
  Drawing drawing(policy, columns, in_colour);
  drawing.measure(root, 0);
  drawing.draw("global", root, 0);
  return drawing.take();
}

}  // namespace tallygate
