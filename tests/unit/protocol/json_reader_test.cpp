#include "protocol/json_reader.h"

#include "protocol/limits.h"
#include "protocol/strict_json.h"
#include "support/catch.h"
#include "unit/protocol/random_json.h"
#include "unit/protocol/texts.h"

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tallygate {
namespace {

std::string complaint(ObjectReader& in) {
  const Step end = in.finish();
  if (end.ok()) return "";
  CHECK(end.error().code == ErrorCode::invalid_params);
  return end.error().message;
}

TEST_CASE("Fields come in order with their keys unescaped and their values to the byte",
          "[protocol]") {
  const JsonText text = accepted(
      R"( { "z" : 1.000 , "\u0061" : { "x" : [ 1 , { } ] , "y" : null } , "s" : "q\" \\ } , " ,
            "t" : true , "e" : [ ] , "n" : null , "f" : false , "last" : -0 } )");
  const std::vector<JsonField> fields = read_fields(text.view());
  REQUIRE(fields.size() == 8);
  const std::vector<std::pair<std::string, std::string>> expected{{"z", "1.000"},
                                                                  {"a", R"({"x":[1,{}],"y":null})"},
                                                                  {"s", R"("q\" \\ } , ")"},
                                                                  {"t", "true"},
                                                                  {"e", "[]"},
                                                                  {"n", "null"},
                                                                  {"f", "false"},
                                                                  {"last", "-0"}};
  for (std::size_t i = 0; i < fields.size(); ++i) {
    CAPTURE(i);
    CHECK(fields[i].key == expected[i].first);
    CHECK(fields[i].value.raw == expected[i].second);
  }
}

TEST_CASE("Every kind of value is read exactly when it stands last", "[protocol]") {
  for (const std::string value : {"1", "12.50", "1E+2", "-0", "true", "false", "null", "\"\"",
                                  "\"}\"", "{}", "[]", "[1]", R"({"a":1})"}) {
    const JsonText object = accepted("{ \"k\" : " + value + " } ");
    CHECK(read_fields(object.view()).at(0).value.raw == value);
    const JsonText array = accepted("[ 0 , " + value + " ] ");
    CHECK(read_elements(array.view()).at(1).raw == value);
  }
}

TEST_CASE("Empty containers have no members", "[protocol]") {
  CHECK(read_fields(accepted("{ }").view()).empty());
  CHECK(read_elements(accepted("[ ]").view()).empty());
}

TEST_CASE("Keys may hold escapes, NUL and text beyond ASCII", "[protocol]") {
  const JsonText text = accepted("{\"\\\"\\\\\":1,\"a\\u0000b\":2,\"\\ud83d\\ude00\":3,\"\":4}");
  const std::vector<JsonField> fields = read_fields(text.view());
  REQUIRE(fields.size() == 4);
  CHECK(fields[0].key == "\"\\");
  CHECK(fields[1].key == std::string("a\0b", 3));
  CHECK(fields[2].key == "\xF0\x9F\x98\x80");
  CHECK(fields[3].key.empty());
}

TEST_CASE("Strings are unescaped", "[protocol]") {
  const auto read = [](std::string_view json) { return read_string(accepted(json).view()); };
  CHECK(read(R"("")").empty());
  CHECK(read(R"("plain")") == "plain");
  CHECK(read(R"("\"\\\/\b\f\n\r\t")") == "\"\\/\b\f\n\r\t");
  CHECK(read(R"("\u00e9\u20AC\ud83d\ude00")") == "\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
  CHECK(read(R"("a\u0000b")") == std::string("a\0b", 3));
  const std::string large(100'000, 'x');
  CHECK(read("\"" + large + "\\n\"") == large + "\n");
}

TEST_CASE("Values inside values remain readable while other texts are read", "[protocol]") {
  const JsonText text = accepted(R"({"a":{"b":[{"c":"d\n"},[2,"e"]],"f":{}},"g":"h"})");
  const std::vector<JsonField> outer = read_fields(text.view());
  const std::vector<JsonField> inner = read_fields(outer.at(0).value);
  const std::vector<JsonView> items = read_elements(inner.at(0).value);
  const JsonText other = accepted(R"({"other":["text"]})");
  CHECK(read_fields(other.view()).at(0).key == "other");
  CHECK(read_string(read_fields(items.at(0)).at(0).value) == "d\n");
  CHECK(read_string(read_elements(items.at(1)).at(1)) == "e");
  CHECK(read_fields(inner.at(1).value).empty());
  CHECK(read_string(outer.at(1).value) == "h");
  CHECK(items.at(1).raw == R"([2,"e"])");
}

TEST_CASE("The deepest accepted text can be walked to its end", "[protocol]") {
  const JsonText text = accepted(nested(limits::json_depth_max - 1, "[", "{\"a\":7}", "]"));
  JsonView view = text.view();
  while (view.kind() == JsonKind::array) view = read_elements(view).at(0);
  CHECK(read_fields(view).at(0).value.raw == "7");
}

// Writes a value again from what the reader says about it.
std::string rebuilt(JsonView view) {
  std::string out;
  if (view.kind() == JsonKind::object) {
    for (const JsonField& field : read_fields(view)) {
      out += (out.empty() ? "\"" : ",\"") + field.key + "\":" + rebuilt(field.value);
    }
    return "{" + out + "}";
  }
  if (view.kind() == JsonKind::array) {
    for (const JsonView item : read_elements(view)) {
      if (!out.empty()) out += ",";
      out += rebuilt(item);
    }
    return "[" + out + "]";
  }
  return std::string(view.raw);
}

std::string plain_spelling(const RandomValue& value) {
  std::string out;
  for (std::size_t i = 0; i < value.items.size(); ++i) {
    if (i > 0) out += ",";
    if (value.kind == JsonKind::object) out += "\"" + value.keys[i] + "\":";
    out += plain_spelling(value.items[i]);
  }
  if (value.kind == JsonKind::object) return "{" + out + "}";
  return value.kind == JsonKind::array ? "[" + out + "]" : value.token;
}

TEST_CASE("A random value read piece by piece is the value that was written", "[protocol]") {
  for (std::uint32_t seed = 0; seed < 300; ++seed) {
    Dice dice(seed);
    const RandomValue value = random_value(dice, 5);
    std::string minified;
    std::string spaced;
    spell(value, dice, minified, spaced);
    CAPTURE(seed, spaced);
    const JsonText text = accepted(spaced);
    REQUIRE(rebuilt(text.view()) == plain_spelling(value));
  }
}

TEST_CASE("Integers are read when they are written as integers and fit", "[protocol]") {
  const auto read = [](std::string_view raw) { return read_integer(JsonView{raw}); };
  CHECK(read("0") == 0);
  CHECK(read("-0") == 0);
  CHECK(read("-17") == -17);
  CHECK(read("9223372036854775807") == std::numeric_limits<std::int64_t>::max());
  CHECK(read("-9223372036854775808") == std::numeric_limits<std::int64_t>::min());
  for (const char* raw : {"9223372036854775808", "-9223372036854775809", "18446744073709551615",
                          "1.0", "1e0", "1E2", "-1.5", "\"1\"", "true", "null", "[]", ""}) {
    CAPTURE(raw);
    CHECK_FALSE(read(raw));
  }
}

TEST_CASE("An object reader hands out typed fields", "[protocol]") {
  const JsonText text = accepted(
      R"({"s":"t\n","i":-5,"b":true,"o":{"x":1},"a":[1,"2"],"m":{"usd":"0.05","calls":"1"},
          "any":null,"dull":[]})");
  ObjectReader in(text.view(), "params");
  CHECK(in.has("s"));
  CHECK_FALSE(in.has("S"));
  CHECK(in.string("s") == "t\n");
  CHECK(in.integer("i") == -5);
  CHECK(in.optional_bool("b", false));
  CHECK(in.optional_object("o")->raw == R"({"x":1})");
  const std::vector<JsonView> items = in.array("a");
  REQUIRE(items.size() == 2);
  CHECK(items[1].raw == "\"2\"");
  const std::vector<std::pair<std::string, std::string>> map{{"usd", "0.05"}, {"calls", "1"}};
  CHECK(in.optional_string_map("m") == map);
  CHECK(in.optional_value("any")->raw == "null");
  in.ignore("dull");
  in.ignore("absent");
  CHECK_FALSE(in.optional_string("absent"));
  CHECK_FALSE(in.optional_integer("absent"));
  CHECK_FALSE(in.optional_value("absent"));
  CHECK_FALSE(in.optional_object("absent"));
  CHECK(in.optional_bool("absent", true));
  CHECK_FALSE(in.optional_bool("absent", false));
  CHECK(in.optional_string_map("absent").empty());
  CHECK(complaint(in).empty());
}

TEST_CASE("An object reader says which field is missing", "[protocol]") {
  const JsonText text = accepted("{}");
  const auto ask = [&](auto read) {
    ObjectReader in(text.view(), "params");
    read(in);
    return complaint(in);
  };
  CHECK(ask([](ObjectReader& in) { CHECK(in.string("s").empty()); }) == "params.s: missing");
  CHECK(ask([](ObjectReader& in) { CHECK(in.integer("i") == 0); }) == "params.i: missing");
  CHECK(ask([](ObjectReader& in) { CHECK(in.array("a").empty()); }) == "params.a: missing");
}

TEST_CASE("An object reader says which type it expected", "[protocol]") {
  const JsonText text = accepted(R"({"n":1.5,"big":9223372036854775808,"s":"x","z":null})");
  const auto ask = [&](auto read) {
    ObjectReader in(text.view(), "params");
    for (const char* key : {"n", "big", "s", "z"}) in.ignore(key);
    read(in);
    return complaint(in);
  };
  CHECK(ask([](auto& in) { CHECK(in.string("n").empty()); }) == "params.n: expected a string");
  CHECK(ask([](auto& in) { CHECK(in.string("z").empty()); }) == "params.z: expected a string");
  CHECK(ask([](auto& in) { CHECK_FALSE(in.optional_string("n")); }) ==
        "params.n: expected a string");
  CHECK(ask([](auto& in) { CHECK(in.integer("n") == 0); }) == "params.n: expected an integer");
  CHECK(ask([](auto& in) { CHECK(in.integer("s") == 0); }) == "params.s: expected an integer");
  CHECK(ask([](auto& in) { CHECK_FALSE(in.optional_integer("big")); }) ==
        "params.big: expected an integer");
  CHECK(ask([](auto& in) { CHECK(in.optional_bool("s", true)); }) ==
        "params.s: expected true or false");
  CHECK(ask([](auto& in) { CHECK_FALSE(in.optional_object("s")); }) ==
        "params.s: expected an object");
  CHECK(ask([](auto& in) { CHECK(in.array("s").empty()); }) == "params.s: expected an array");
  CHECK(ask([](auto& in) { CHECK(in.optional_string_map("s").empty()); }) ==
        "params.s: expected an object");
}

TEST_CASE("A map whose value is not a string names the entry", "[protocol]") {
  const JsonText text = accepted(R"({"cost":{"calls":"1","usd":0.05}})");
  ObjectReader in(text.view(), "params");
  CHECK(in.optional_string_map("cost").empty());
  CHECK(complaint(in) == "params.cost.usd: expected a string, like \"1.50\"");
}

TEST_CASE("A key nobody took is complained of, shortened when long", "[protocol]") {
  const std::string long_key(500, 'k');
  const JsonText text = accepted("{\"known\":1,\"" + long_key + "\":2}");
  ObjectReader in(text.view(), "params");
  CHECK(in.integer("known") == 1);
  CHECK(complaint(in) == "params." + long_key.substr(0, 64) + ": unknown key");

  const JsonText map = accepted("{\"m\":{\"" + long_key + "\":2}}");
  ObjectReader map_reader(map.view(), "params");
  map_reader.optional_string_map("m");
  CHECK(complaint(map_reader).size() < 200);
}

TEST_CASE("The first complaint is the one that is told", "[protocol]") {
  const JsonText text = accepted(R"({"a":1,"b":2,"unknown":3})");
  ObjectReader in(text.view(), "params");
  in.string("a");
  in.string("b");
  in.string("c");
  in.complain("d", "own words");
  CHECK(complaint(in) == "params.a: expected a string");

  ObjectReader own(text.view(), "params");
  own.complain("a", "own words");
  own.string("a");
  CHECK(complaint(own) == "params.a: own words");
}

TEST_CASE("A value that is not an object is the first complaint", "[protocol]") {
  for (const char* json : {"[]", "1", "\"a\"", "null", "true"}) {
    const JsonText text = accepted(json);
    ObjectReader in(text.view(), "params");
    CHECK_FALSE(in.has("a"));
    CHECK(in.string("a").empty());
    CHECK(complaint(in) == "params: expected an object");
  }
}

TEST_CASE("A path names the object and the key", "[protocol]") {
  const JsonText text = accepted("{}");
  CHECK(ObjectReader(text.view(), "params").path_of("a") == "params.a");
  CHECK(ObjectReader(text.view(), "").path_of("a") == "a");
}

}  // namespace
}  // namespace tallygate
