// Checked fields: defaults, places, near names, alternatives, and the schema made of the same
// description.
#include <gtest/gtest.h>

#include "core/config/json.h"
#include "core/config/mistakes.h"
#include "tests/core/expect_error.h"

namespace semwave {
namespace {

std::shared_ptr<const Fields> share(Fields fields) {
  return std::make_shared<const Fields>(std::move(fields));
}

/// A small scenario with every type of field in it.
Fields scenario() {
  Field snr{.name = "snr_db",
            .type = FieldType::number,
            .summary = "Es/N0 in dB",
            .minimum = -40,
            .maximum = 60};
  Field keep{
      .name = "keep", .type = FieldType::number, .fallback = 0.5, .minimum = 0, .maximum = 1};
  Field uniform{.name = "uniform", .type = FieldType::list, .minimum = 2, .maximum = 2};
  uniform.element = std::make_shared<const Field>(Field{.type = FieldType::number});
  Field draw{.type = FieldType::object, .object = share({.fields = {uniform}})};
  snr.alternatives = {draw};

  Field coherence{.name = "coherence",
                  .type = FieldType::choice,
                  .fallback = "image",
                  .choices = {"symbol", "block", "image"}};
  Field csi{.name = "csi", .type = FieldType::object, .fallback = Json::object()};
  csi.object = share(
      {.fields = {{.name = "pilots", .type = FieldType::integer, .fallback = 4, .minimum = 1}}});
  Field equaliser{
      .name = "equaliser", .type = FieldType::variant, .summary = "equaliser", .fallback = "zf"};
  equaliser.kinds = {
      {"zf", share({})},
      {"mmse",
       share({.fields = {{.name = "unbiased", .type = FieldType::boolean, .fallback = true}}})},
      {"table", share({.fields = {{.name = "file", .type = FieldType::string}}})}};
  Field channel{.name = "channel",
                .type = FieldType::object,
                .object = share({.fields = {snr, keep, coherence, csi, equaliser}})};

  Field loss{.name = "losses", .type = FieldType::map, .optional = true};
  loss.element = std::make_shared<const Field>(Field{.type = FieldType::number, .minimum = 0});
  Field steps{.name = "steps", .type = FieldType::list, .fallback = Json::array()};
  steps.object = share({.fields = {{.name = "at", .type = FieldType::integer},
                                   {.name = "note", .type = FieldType::string, .fallback = ""}}});
  Field rest{.name = "rest", .type = FieldType::any, .fallback = nullptr};
  return {.summary = "a scenario", .fields = {channel, loss, steps, rest}};
}

Json resolved(const std::string& text) {
  return resolve(parse_json(text, "scenarios/x.json"), scenario(), {"scenarios/x.json", ""});
}
std::string refused(const std::string& text) {
  return error_of([&] { resolved(text); });
}
/// The mistake in a channel of otherwise sound keys.
std::string refused_channel(const std::string& keys) {
  return refused(R"({"channel": {"snr_db": 1, )" + keys + "}}");
}

TEST(Fields, DefaultsAreFilledInAtEveryDepth) {
  EXPECT_EQ(
      canonical(resolved(R"({"channel": {"snr_db": 10}, "steps": [{"at": 3}]})")),
      R"({"channel":{"coherence":"image","csi":{"pilots":4},"equaliser":{"kind":"zf"},"keep":0.5,)"
      R"("snr_db":10},"rest":null,"steps":[{"at":3,"note":""}]})");
}

TEST(Fields, ResolvingTwiceChangesNothing) {
  const Json once = resolved(
      R"({"channel": {"snr_db": {"uniform": [-5, 20]}, "equaliser": "mmse"}, "losses": {"a": 1}})");
  EXPECT_EQ(resolve(once, scenario(), {"x", ""}), once);
}

TEST(Fields, AStringIsShortForAKind) {
  EXPECT_EQ(canonical(resolved(
                R"({"channel": {"snr_db": 1, "equaliser": "mmse"}})")["channel"]["equaliser"]),
            R"({"kind":"mmse","unbiased":true})");
  EXPECT_EQ(
      resolved(R"({"channel": {"snr_db": 1, "equaliser": {"kind": "mmse", "unbiased": false}}})")
          ["channel"]["equaliser"]["unbiased"],
      false);
  EXPECT_EQ(refused_channel(R"("equaliser": "table")"),
            "scenarios/x.json: /channel/equaliser: the required key 'file' is missing");
  expect_contains(refused_channel(R"("equaliser": {"unbiased": true})"),
                  "/channel/equaliser: the required key 'kind' is missing; known: zf, mmse, table");
  EXPECT_EQ(refused_channel(R"("equaliser": "mmsee")"),
            "scenarios/x.json: /channel/equaliser: unknown name 'mmsee'; did you mean 'mmse'? "
            "known: zf, mmse, table");
  expect_contains(refused_channel(R"("equaliser": {"kind": 3})"),
                  "/channel/equaliser/kind: expected a name, found a number (3)");
  expect_contains(refused_channel(R"("equaliser": {"kind": "zf", "unbiased": true})"),
                  "/channel/equaliser/unbiased: unknown key");
}

TEST(Fields, UnknownKeysNameTheNearestAndAll) {
  EXPECT_EQ(refused(R"({"channel": {"snr": 10}})"),
            "scenarios/x.json: /channel/snr: unknown key; did you mean 'snr_db'? known: snr_db, "
            "keep, coherence, csi, equaliser");
  EXPECT_EQ(refused(R"({"chanel": {}})"),
            "scenarios/x.json: /chanel: unknown key; did you mean 'channel'? known: channel, "
            "losses, steps, rest");
}

TEST(Fields, OpenFieldsLetUnknownKeysThrough) {
  Fields open = scenario();
  open.open = true;
  EXPECT_EQ(resolve(parse_json(R"({"channel": {"snr_db": 1}, "more": [1]})", "x"), open,
                    {"x", ""})["more"],
            Json::array({1}));
}

TEST(Fields, WrongTypesNameTheirPlace) {
  EXPECT_EQ(refused_channel(R"("keep": "half")"),
            "scenarios/x.json: /channel/keep: expected a number between 0 and 1, found a string "
            "(\"half\")");
  EXPECT_EQ(refused_channel(R"("keep": null)"),
            "scenarios/x.json: /channel/keep: expected a number between 0 and 1, found null");
  expect_contains(refused_channel(R"("csi": [1])"),
                  "/channel/csi: expected an object, found a list");
  expect_contains(refused("[]"), "scenarios/x.json: expected an object, found a list");
  expect_contains(refused(R"({"channel": {"snr_db": 1}, "steps": [{"at": 1}, {"at": true}]})"),
                  "/steps/1/at: expected an integer, found true");
  expect_contains(refused(R"({"channel": {"snr_db": 1}, "losses": {"a/b": -1}})"),
                  "/losses/a~1b: must be at least 0, found -1");
}

TEST(Fields, RangesAreInclusiveAndNamed) {
  EXPECT_EQ(refused_channel(R"("keep": -0.2)"),
            "scenarios/x.json: /channel/keep: must be between 0 and 1, found -0.2");
  EXPECT_NO_THROW(resolved(R"({"channel": {"snr_db": -40, "keep": 0}})"));
  EXPECT_NO_THROW(resolved(R"({"channel": {"snr_db": 60, "keep": 1}})"));
  expect_contains(refused_channel(R"("csi": {"pilots": 0})"),
                  "/channel/csi/pilots: must be at least 1, found 0");
  const Field keep{.type = FieldType::number};
  expect_contains(error_of([&] {
                    resolve(Json(std::numeric_limits<double>::quiet_NaN()), keep, {"x", "/keep"});
                  }),
                  "finite");
  expect_contains(error_of([&] {
                    resolve(Json(std::numeric_limits<double>::infinity()), keep, {"x", "/keep"});
                  }),
                  "finite");
}

TEST(Fields, IntegersMayBeWrittenAsWholeNumbers) {
  const Json pilots =
      resolved(R"({"channel": {"snr_db": 1, "csi": {"pilots": 1e2}}})")["channel"]["csi"]["pilots"];
  EXPECT_TRUE(pilots.is_number_integer());
  EXPECT_EQ(pilots, 100);
  expect_contains(refused_channel(R"("csi": {"pilots": 1.5})"), "expected an integer, found 1.5");
  expect_contains(refused_channel(R"("csi": {"pilots": 1e30})"), "expected an integer");
}

TEST(Fields, MissingRequiredKeysAreNamed) {
  EXPECT_EQ(refused("{}"), "scenarios/x.json: the required key 'channel' is missing");
  EXPECT_EQ(refused(R"({"channel": {}})"),
            "scenarios/x.json: /channel: the required key 'snr_db' is missing (Es/N0 in dB)");
}

TEST(Fields, OptionalKeysStayMissing) {
  EXPECT_FALSE(resolved(R"({"channel": {"snr_db": 1}})").contains("losses"));
}

TEST(Fields, ChoicesNameTheNearestAndAll) {
  EXPECT_EQ(refused_channel(R"("coherence": "symbl")"),
            "scenarios/x.json: /channel/coherence: unknown name 'symbl'; did you mean 'symbol'? "
            "known: symbol, block, image");
}

TEST(Fields, AlternativesAreTriedAndAllNamed) {
  EXPECT_EQ(
      resolved(R"({"channel": {"snr_db": {"uniform": [-5, 20]}}})")["channel"]["snr_db"]["uniform"],
      Json({-5, 20}));
  EXPECT_EQ(refused(R"({"channel": {"snr_db": "ten"}})"),
            "scenarios/x.json: /channel/snr_db: expected a number between -40 and 60, or an object "
            "{\"uniform\": ...}, found a string (\"ten\")");
  expect_contains(refused(R"({"channel": {"snr_db": {"unifrm": [1, 2]}}})"),
                  "or an object {\"uniform\": ...}, found an object with 'unifrm'");
  // Where one form is meant, its own mistake is told.
  const std::string inside = refused(R"({"channel": {"snr_db": {"uniform": [1, "b"]}}})");
  expect_contains(inside, "/channel/snr_db/uniform/1: expected a number, found a string (\"b\")");
  expect_contains(inside, "a number between -40 and 60, or an object");
  expect_contains(refused(R"({"channel": {"snr_db": {"uniform": [1]}}})"),
                  "must have 2 elements, found 1");
  expect_contains(refused(R"({"channel": {"snr_db": 99}})"),
                  "/channel/snr_db: must be between -40 and 60, found 99");
}

TEST(Fields, AFormWithoutRequiredKeysIsMeantByAnyOfItsKeys) {
  Field csi{.type = FieldType::choice, .choices = {"perfect"}};
  csi.alternatives = {
      {.type = FieldType::object,
       .object = share(
           {.fields = {
                {.name = "pilots", .type = FieldType::integer, .fallback = 4, .minimum = 1}}})}};
  const auto mistake = [&](const Json& value) {
    return error_of([&] { resolve(value, csi, {"x", "/csi"}); });
  };
  expect_contains(
      mistake({{"pilots", 0}}),
      "x: /csi/pilots: must be at least 1, found 0; allowed at /csi: one of perfect, or an object");
  expect_contains(mistake({{"pilots", 4}, {"kind", "estimated"}}), "x: /csi/kind: unknown key");
  expect_contains(mistake({{"other", 4}}),
                  "x: /csi: expected one of perfect, or an object, found an object with 'other'");
  expect_contains(mistake("perfekt"), "x: /csi: unknown name 'perfekt'; did you mean 'perfect'?");
}

TEST(Fields, LongValuesAreNotRepeatedInMessages) {
  const std::string text = R"({"channel": {"snr_db": ")" + std::string(100000, 'x') + R"("}, ")" +
                           std::string(100000, 'y') + R"(": 1})";
  EXPECT_LT(refused(text).size(), 1000u);
  EXPECT_LT(refused_channel("\"keep\": \"" + std::string(100000, 'x') + "\"").size(), 1000u);
}

TEST(Fields, EveryMistakeIsKeptOnceWhereTheyAreAskedFor) {
  const Json value = parse_json(
      R"({"chanel": 1, "channel": {"snr_db": 99, "keep": "half",
                                   "equaliser": {"kind": "mmse", "unbiased": 1}},
          "losses": {"a": -1, "b": 2, "c": -3}, "steps": [{"at": 1}, {"note": "x"}, 5]})",
      "x.json");
  const Place place{"x.json", ""};
  Mistakes mistakes(Mistakes::Report::keep_all);
  for (int again = 0; again < 2; ++again) (void)resolve(value, scenario(), place, mistakes);
  std::vector<std::string> places;
  for (const Error& mistake : mistakes.kept()) places.push_back(mistake.place().substr(8));
  EXPECT_EQ(places, (std::vector<std::string>{"/chanel", "/channel/snr_db", "/channel/keep",
                                              "/channel/equaliser/unbiased", "/losses/a",
                                              "/losses/c", "/steps/1", "/steps/2"}));
  EXPECT_STREQ(mistakes.kept()[0].what(),
               error_of([&] { (void)resolve(value, scenario(), place); }).c_str())
      << "the first is the one that is thrown else";

  const Json right = parse_json(R"({"channel": {"snr_db": 3}})", "x.json");
  Mistakes none(Mistakes::Report::keep_all);
  EXPECT_EQ(resolve(right, scenario(), place, none), resolve(right, scenario(), place));
  EXPECT_FALSE(none.any());
  for (int i = 0; i < 300; ++i) none.add(Error(std::to_string(i), "wrong"));
  EXPECT_EQ(none.kept().size(), Mistakes::most);
}

TEST(Schema, SaysWhatResolveChecks) {
  const Json schema = json_schema(scenario());
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema["additionalProperties"], false);
  EXPECT_EQ(schema["required"], Json::array({"channel"}));
  const Json& channel = schema["properties"]["channel"];
  EXPECT_EQ(channel["required"], Json::array({"snr_db"}));
  EXPECT_EQ(canonical(channel["properties"]["keep"]),
            R"({"default":0.5,"maximum":1,"minimum":0,"type":"number"})");
  EXPECT_EQ(channel["properties"]["coherence"]["enum"], Json({"symbol", "block", "image"}));
  const Json& snr = channel["properties"]["snr_db"];
  EXPECT_EQ(snr["description"], "Es/N0 in dB");
  EXPECT_EQ(canonical(snr["anyOf"][0]), R"({"maximum":60,"minimum":-40,"type":"number"})");
  EXPECT_EQ(canonical(snr["anyOf"][1]["properties"]["uniform"]),
            R"({"items":{"type":"number"},"maxItems":2,"minItems":2,"type":"array"})");
  const Json& equaliser = channel["properties"]["equaliser"]["anyOf"];
  EXPECT_EQ(
      equaliser[0],
      (Json{{"enum", {"zf", "mmse"}}}));  // "table" needs its file, so its name alone is not enough
  EXPECT_EQ(equaliser[2]["properties"]["kind"]["const"], "mmse");
  EXPECT_EQ(equaliser[3]["required"], Json({"kind", "file"}));
  EXPECT_EQ(schema["properties"]["losses"]["additionalProperties"]["minimum"], 0);
  EXPECT_EQ(schema["properties"]["steps"]["items"]["properties"]["at"]["type"], "integer");
}

TEST(Fields, AVariantMayHaveAUsualKind) {
  Field end{.name = "end", .type = FieldType::variant, .fallback = Json::object()};
  end.kinds = {
      {"plain", share({.fields = {{.name = "rate", .type = FieldType::integer, .fallback = 3}}})},
      {"other", share({.fields = {{.name = "name", .type = FieldType::string}}})}};
  const Place place{"x.json", ""};
  expect_contains(
      error_of([&] { (void)resolve(parse_json(R"({"rate": 4})", "x.json"), end, place); }),
      "'kind' is missing");
  end.usual_kind = "plain";
  EXPECT_EQ(resolve(parse_json(R"({"rate": 4})", "x.json"), end, place),
            (Json{{"kind", "plain"}, {"rate", 4}}));
  EXPECT_EQ(resolve(Json::object(), end, place), (Json{{"kind", "plain"}, {"rate", 3}}));
  EXPECT_EQ(resolve(parse_json(R"({"kind": "other", "name": "n"})", "x.json"), end, place),
            (Json{{"kind", "other"}, {"name", "n"}}));
  expect_contains(
      error_of([&] { (void)resolve(parse_json(R"({"name": "n"})", "x.json"), end, place); }),
      "unknown key");
  const Json schema = json_schema({.fields = {end}});
  const Json& forms = schema["properties"]["end"]["anyOf"];
  int demands = 0;
  for (const Json& form : forms)
    if (form.contains("required"))
      for (const Json& key : form["required"]) demands += key == "kind";
  EXPECT_EQ(demands, 1) << "only the other kind must say so: " << forms.dump();
}

}  // namespace
}  // namespace semwave
