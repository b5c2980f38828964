#include "policy/formula.h"

#include "policy/text.h"

#include <algorithm>
#include <array>

namespace tallygate {
namespace {

using Kind = FormulaStep::Kind;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }

struct Function {
  std::string_view name;
  Kind kind;
};
constexpr std::array<Function, 3> functions{
    {{"min", Kind::min}, {"max", Kind::max}, {"ceil", Kind::ceil}}};

// Recursive descent; the first error stays and ends it.
class FormulaParser {
 public:
  FormulaParser(std::string_view text, const std::vector<std::string>& names)
      : text_(text), names_(names) {
    formula_.text = std::string(text);
  }

  Result<Formula> parse() {
    sum();
    if (error_.empty() && peek() != '\0') fail("an operator is missing before " + rest());
    if (!error_.empty()) return Error{ErrorCode::configuration, error_, {}};
    return std::move(formula_);
  }

 private:
  char peek() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    return at_ < text_.size() ? text_[at_] : '\0';
  }
  bool take(char c) {
    if (!error_.empty() || peek() != c) return false;
    ++at_;
    return true;
  }
  void fail(const std::string& what) {
    if (error_.empty()) error_ = what + " at character " + std::to_string(at_ + 1);
  }
  std::string rest() { return in_quotes(text_.substr(at_)); }
  void push(Kind kind, std::size_t index = 0) {
    if (error_.empty()) formula_.steps.push_back({kind, index});
  }

  void sum() {
    product();
    while (error_.empty()) {
      const bool adds = take('+');
      if (!adds && !take('-')) return;
      product();
      push(adds ? Kind::add : Kind::subtract);
    }
  }
  void product() {
    operand();
    while (take('*')) {
      operand();
      push(Kind::multiply);
    }
  }
  void operand() {
    const char c = peek();
    if (c == '(') {
      nested([&] { sum(); });
    } else if (is_digit(c)) {
      literal();
    } else if (is_letter(c)) {
      word();
    } else if (c == '\0') {
      fail("a number, a name or ( is missing");
    } else {
      fail("a number, a name or ( is wanted, not " + rest());
    }
  }
  template <class Inner>
  void nested(Inner inner) {
    if (!take('(')) return fail("( is missing");
    if (++depth_ > formula_depth_max) return fail("parentheses nest too deep");
    inner();
    if (error_.empty() && !take(')')) fail(") is missing");
    --depth_;
  }
  void literal() {
    const std::size_t end = std::min(text_.find_first_not_of("0123456789.", at_), text_.size());
    const auto number = parse_decimal(text_.substr(at_, end - at_));
    if (!number) return fail(in_quotes(text_.substr(at_, end - at_)) + " is no decimal");
    at_ = end;
    formula_.literals.push_back(*number);
    push(Kind::literal, formula_.literals.size() - 1);
  }
  void word() {
    std::size_t end = at_;
    while (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) ++end;
    const std::string_view name = text_.substr(at_, end - at_);
    const auto function = std::ranges::find(functions, name, &Function::name);
    if (function != functions.end()) {
      at_ = end;
      return call(function->kind);
    }
    const auto known = std::ranges::find(names_, name);
    if (known == names_.end()) return fail(unknown(name));
    at_ = end;
    push(Kind::name, static_cast<std::size_t>(known - names_.begin()));
  }
  std::string unknown(std::string_view name) const {
    const std::vector<std::string_view> known(names_.begin(), names_.end());
    return "\"where\" says nothing of " + in_quotes(name) + did_you_mean(name, known);
  }
  // min and max take two or more.
  void call(Kind kind) {
    nested([&] {
      sum();
      if (kind == Kind::ceil) return;
      if (peek() != ',') fail("min and max take two numbers or more; , is missing");
      while (take(',')) {
        sum();
        push(kind);
      }
    });
    if (kind == Kind::ceil) push(kind);
  }

  std::string_view text_;
  const std::vector<std::string>& names_;
  std::size_t at_ = 0;
  int depth_ = 0;
  Formula formula_;
  std::string error_;
};

}  // namespace

bool is_formula_name(std::string_view name) {
  const auto is_inner = [](char c) { return is_letter(c) || is_digit(c); };
  return !name.empty() && name.size() <= 64 && is_letter(name.front()) &&
         std::ranges::all_of(name, is_inner) &&
         std::ranges::find(functions, name, &Function::name) == functions.end();
}

Result<Formula> parse_formula(std::string_view text, const std::vector<std::string>& names) {
  if (text.size() > formula_size_max) {
    return Error{
        ErrorCode::configuration, "longer than " + std::to_string(formula_size_max) + " bytes", {}};
  }
  return FormulaParser(text, names).parse();
}

bool uses(const Formula& formula, std::size_t index) {
  return std::ranges::any_of(formula.steps, [&](const FormulaStep& step) {
    return step.kind == Kind::name && step.index == index;
  });
}

}  // namespace tallygate
