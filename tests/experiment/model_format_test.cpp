// docs/model_format.md, held against the code: every stage of one picture, composed from layers
// and ops with a checkpoint's own tensors, equals what the real transmitter and receiver compute,
// and agrees with docs/model_format_golden.json. With SEMWAVE_WRITE_GOLDEN set the file is written
// anew.
#include <gtest/gtest.h>

#include <cstdlib>

#include "tests/experiment/model_format_case.h"

namespace semwave {
namespace {

struct Named {
  std::string name, model;
};
const std::vector<Named> cases{{"fashion", "models/fashion.safetensors"},
                               {"fashion_class", "models/fashion_class.safetensors"},
                               {"fashion_class_answer", "models/fashion_class.safetensors"},
                               {"fashion_classifier", "models/fashion_classifier.safetensors"},
                               {"dense", "models/studies/dense.safetensors"},
                               {"header_qpsk", ""},
                               {"header_repeated", ""},
                               {"header_robust", ""}};

/// Payload noise of unit variance at places 0 to 3, as the program draws it.
Json noise_draws() {
  Json values = Json::array();
  for (std::uint32_t place = 0; place < 4; ++place) {
    const std::complex<double> z =
        complex_normal(philox(draws.seed, Purpose::noise, draws.images[0], draws.visit, place));
    values.push_back({z.real(), z.imag()});
  }
  return {
      {"seed", draws.seed}, {"image", draws.images[0]}, {"visit", draws.visit}, {"values", values}};
}

void write_golden(const std::vector<Case>& made) {
  std::string out =
      "{\"what\":\"Golden values of docs/model_format.md, which says how they are written; "
      "never edited by hand.\",\n \"picture\":" +
      Json(picture()).dump() + ",\n \"noise_draws\":" + noise_draws().dump() + ",\n \"cases\":[\n";
  for (const Case& one : made)
    out += golden::case_text(one) + (&one == &made.back() ? "\n" : ",\n");
  out += "]}\n";
  write_file_whole(golden_path, out.data(), out.size());
}

TEST(ModelFormat, TheProgramComputesTheGoldenValues) {
  const bool writes = std::getenv("SEMWAVE_WRITE_GOLDEN") != nullptr;
  std::vector<Case> made;
  for (const Named& named : cases) {
    if (named.model.empty()) {
      made.push_back(header_case(named.name, given_of(named.name)));
      continue;
    }
    CaseRun run(named.name, named.model, given_of(named.name));
    made.push_back(run.run());
    // Below, another machine's rounding might choose another token or expert.
    if (writes) {
      EXPECT_GT(run.margin(), 1e-4) << named.name << ": a choice is nearly a tie; change the "
                                    << "picture's formula here, in the page and in rebuild.py";
    }
  }
  ASSERT_FALSE(HasFailure()) << "composition and program differ: the golden file was not touched";
  if (writes) write_golden(made);

  const Json file = read_json(golden_path);
  EXPECT_EQ(file["picture"], Json(picture()));
  const Json drawn = noise_draws();
  for (std::size_t i = 0; i < 8; ++i)
    EXPECT_NEAR(file["noise_draws"]["values"][i / 2][i % 2].get<double>(),
                drawn["values"][i / 2][i % 2].get<double>(), 1e-9);
  ASSERT_EQ(file["cases"].size(), made.size());
  for (std::size_t i = 0; i < made.size(); ++i) {
    EXPECT_EQ(file["cases"][i]["name"], made[i].name);
    for (const std::string& difference : golden::differences(file["cases"][i], made[i]))
      ADD_FAILURE() << difference;
  }
}

TEST(ModelFormat, AWrongNumberBitOrWeightIsFound) {
  CaseRun run(cases[3].name, cases[3].model, given_of(cases[3].name));
  const Case made = run.run();
  const Json right = parse_json(golden::case_text(made), "text");
  const auto found = [&](const std::string& pointer, const Json& value) {
    Json wrong = right;
    wrong.at(Json::json_pointer(pointer)) = value;
    return golden::differences(wrong, made);
  };
  ASSERT_TRUE(golden::differences(right, made).empty());
  const double first = made.stages[5].first[2], deviation = made.stages[5].deviation;
  EXPECT_TRUE(found("/stages/5/first/2", first + 1e-4 * deviation).empty());
  EXPECT_EQ(found("/stages/5/first/2", first + 1e-3 * deviation).size(), 1u);
  EXPECT_EQ(found("/stages/5/mean", made.stages[5].mean + 0.01 * deviation).size(), 1u);
  EXPECT_EQ(found("/stages/5/shape/0", 1).size(), 1u);
  EXPECT_EQ(found("/exact/0/value/0", 9 - std::get<0>(made.exact[0].value)[0]).size(), 1u);
  EXPECT_EQ(found("/exact/2/value", "0").size(), 1u);

  const std::vector<std::string> stale = found("/weights_sha256", std::string(64, '0'));
  ASSERT_EQ(stale.size(), 1u);
  EXPECT_NE(stale[0].find("models/fashion_classifier.safetensors has other weights"),
            std::string::npos);
}

TEST(ModelFormat, TheDigestIsOfWeightsAlone) {
  Checkpoint checkpoint{.metadata = {{"a", "b"}},
                        .arrays = {{"x", {2}, {1, 2}}, {"w", {1, 2}, {3, 4}}}};
  const std::string digest = golden::weights_digest(checkpoint);
  checkpoint.metadata["a"] = "c";
  std::swap(checkpoint.arrays[0], checkpoint.arrays[1]);
  EXPECT_EQ(golden::weights_digest(checkpoint), digest);
  checkpoint.arrays[0].shape = {2, 1};
  EXPECT_NE(golden::weights_digest(checkpoint), digest);
  checkpoint.arrays[0].shape = {1, 2};
  checkpoint.arrays[0].values[1] = 5;
  EXPECT_NE(golden::weights_digest(checkpoint), digest);
}

}  // namespace
}  // namespace semwave
