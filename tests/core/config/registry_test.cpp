// One template for everything a scenario may name.
#include "core/config/registry.h"

#include <gtest/gtest.h>

#include "tests/core/expect_error.h"

namespace semwave {
namespace {

struct Gate {
  std::string name;
  int tokens = 0;
  int places = 0;
};

using Gates = Registry<std::unique_ptr<Gate>, int>;

Gates gates() {
  Gates known("gate");
  known.add("all", {.summary = "keeps every token"}, [](const Json&, int places) {
    return std::make_unique<Gate>(Gate{"all", places, places});
  });
  known.add(
      "first",
      {.summary = "keeps the first tokens",
       .fields = {{.name = "tokens", .type = FieldType::integer, .fallback = 3, .minimum = 0}}},
      [](const Json& parameters, int places) {
        return std::make_unique<Gate>(Gate{"first", parameters["tokens"].get<int>(), places});
      });
  return known;
}

TEST(Registry, MakesTheEntryOfItsNameWithParametersAndContext) {
  const Gates known = gates();
  const Place place{"x.json", "/transmitter/gate"};
  const auto made = known.make(resolve(Json("first"), known.field("gate"), place), place, 49);
  EXPECT_EQ(made->name, "first");
  EXPECT_EQ(made->tokens, 3);
  EXPECT_EQ(made->places, 49);
  EXPECT_EQ(known
                .make(resolve(Json{{"kind", "first"}, {"tokens", 7}}, known.field("gate"), place),
                      place, 49)
                ->tokens,
            7);
  EXPECT_EQ(known.make(resolve(Json("all"), known.field("gate"), place), place, 49)->tokens, 49);
}

TEST(Registry, AnUnknownNameAnswersWithTheNearestAndAll) {
  const Gates known = gates();
  const Place place{"x.json", "/transmitter/gate"};
  const std::string expected =
      "x.json: /transmitter/gate/kind: unknown name 'frist'; did you mean 'first'? known: all, "
      "first";
  EXPECT_EQ(error_of([&] { known.make(Json{{"kind", "frist"}}, place, 1); }), expected);
  EXPECT_EQ(error_of([&] {
              resolve(Json{{"kind", "frist"}}, known.field("gate"), place);
            }),
            expected);
}

TEST(Registry, ItsFieldChecksParametersOfTheKind) {
  const Gates known = gates();
  expect_contains(
      error_of([&] {
        resolve(Json{{"kind", "first"}, {"tokens", -1}}, known.field("gate"), {"x.json", "/gate"});
      }),
      "x.json: /gate/tokens: must be at least 0, found -1");
  expect_contains(
      error_of([&] {
        resolve(Json{{"kind", "all"}, {"tokens", 1}}, known.field("gate"), {"x.json", "/gate"});
      }),
      "unknown key");
}

TEST(Registry, ListsNamesWithSummariesInOrder) {
  const std::vector<std::pair<std::string, std::string>> expected{
      {"all", "keeps every token"}, {"first", "keeps the first tokens"}};
  EXPECT_EQ(gates().list(), expected);
  EXPECT_EQ(gates().what(), "gate");
  EXPECT_EQ(gates().field("gate").summary, "gate");
}

}  // namespace
}  // namespace semwave
