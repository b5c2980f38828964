// JSON: any bytes.
//
// What the strict reader accepts is one text: accepted again it is the same bytes, taken apart and
// written again it is the same value, and each number keeps its own. What it refuses it refuses
// with a reason, and any bytes at all can be quoted into a string that every reader reads.
#include "fuzz/target.h"
#include "protocol/check.h"
#include "protocol/digest.h"
#include "protocol/json_reader.h"
#include "protocol/json_writer.h"
#include "protocol/rpc.h"
#include "protocol/strict_json.h"
#include "protocol/visible.h"

#include <cstdlib>
#include <variant>

namespace tallygate {

const std::vector<std::string> must_reach = {
    "tallygate::strict_json",    "tallygate::read_fields",
    "tallygate::read_elements",  "tallygate::read_string",
    "tallygate::read_integer",   "tallygate::value_text",
    "tallygate::args_key",       "tallygate::quoted",
    "tallygate::is_utf8",        "tallygate::visible",
    "tallygate::visible_json",   "tallygate::read_message",
    "tallygate::error_line",     "tallygate::JsonWriter::any_key",
    "tallygate::JsonWriter::raw"};

namespace {

void write_again(JsonView value, JsonWriter& out);

void write_object(JsonView object, JsonWriter& out) {
  out.begin_object();
  for (const JsonField& field : read_fields(object)) {
    out.any_key(field.key);
    write_again(field.value, out);
  }
  out.end_object();
}

void write_array(JsonView array, JsonWriter& out) {
  out.begin_array();
  for (const JsonView item : read_elements(array)) write_again(item, out);
  out.end_array();
}

// The canonical number is the same number. Both texts are exact, so both give the nearest real.
void check_number(JsonView number) {
  const std::string canonical = value_text(number);
  CHECK(std::strtod(std::string(number.raw).c_str(), nullptr) ==
        std::strtod(canonical.c_str(), nullptr));
  if (const auto integer = read_integer(number)) {
    CHECK(JsonWriter().integer(*integer).take() == (number.raw == "-0" ? "0" : number.raw));
  }
}

void write_again(JsonView value, JsonWriter& out) {
  switch (value.kind()) {
    case JsonKind::object: return write_object(value, out);
    case JsonKind::array: return write_array(value, out);
    case JsonKind::string: out.string(read_string(value)); return;
    case JsonKind::boolean: out.boolean(value.raw == "true"); return;
    case JsonKind::null: out.null(); return;
    case JsonKind::number:
      check_number(value);
      out.raw(value.raw);
      return;
  }
}

// The same value in the same spelling wherever it is not a string.
void check_round_trip(JsonView value) {
  JsonWriter out;
  write_again(value, out);
  const Result<JsonText> again = strict_json(out.text());
  CHECK(again.ok());
  CHECK(again->view().raw == out.text());
  CHECK(args_key(again->view()) == args_key(value));
}

void check_message(JsonView value) {
  const auto message = read_message(value);
  const auto* bad = std::get_if<BadMessage>(&message);
  if (bad == nullptr) return;
  const std::string line = error_line(bad->id, with_line(bad->error, 1));
  const Result<JsonText> answer = strict_json(line);
  CHECK(answer.ok() && answer->view().raw == line);
  CHECK(std::holds_alternative<Message>(read_message(answer->view())));
}

void check_accepted(std::string_view input, const JsonText& text) {
  const std::string minified(text.view().raw);
  CHECK(!minified.empty() && minified.size() <= input.size());
  CHECK(minified.find_first_of("\n\r") == std::string::npos);
  const Result<JsonText> again = strict_json(minified);
  CHECK(again.ok() && again->view().raw == minified);
  CHECK(is_utf8(minified));
  const Result<JsonText> shown = strict_json(visible_json(minified));
  CHECK(shown.ok() && args_key(shown->view()) == args_key(text.view()));
  check_round_trip(text.view());
  check_message(text.view());
}

void check_quoted(std::string_view input) {
  const std::string token = quoted(input);
  const Result<JsonText> text = strict_json(token);
  CHECK(text.ok() && text->view().kind() == JsonKind::string);
  CHECK((read_string(text->view()) == input) == is_utf8(input));
  const std::string shown = visible(input);
  CHECK(visible(shown) == shown);
}

}  // namespace

void fuzz_one(std::string_view input) {
  const Result<JsonText> text = strict_json(input);
  if (text) {
    check_accepted(input, *text);
  } else {
    CHECK(text.error().code == ErrorCode::parse_error && !text.error().message.empty());
  }
  check_quoted(input);
}

}  // namespace tallygate
