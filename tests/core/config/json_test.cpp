// Strict JSON, pointers, near names, the canonical text and SHA-256.
#include "core/config/json.h"

#include <gtest/gtest.h>

#include "core/base/file.h"
#include "core/base/sha256.h"
#include "core/config/ordered_json.h"
#include "tests/core/expect_error.h"
#include "tests/core/scratch.h"

namespace semwave {
namespace {

std::string parse_error(const std::string& text) {
  return error_of([&] { parse_json(text, "x.json"); });
}

TEST(Json, ParsesEveryKindOfValue) {
  const Json value =
      parse_json(R"( {"a": [1, -2, 0.5, true, null, "tä\n"], "b": {"c": {}}} )", "x.json");
  EXPECT_EQ(value.dump(), R"({"a":[1,-2,0.5,true,null,"tä\n"],"b":{"c":{}}})");
}

TEST(Json, SyntaxErrorsNameLineAndColumn) {
  const std::string message = parse_error("{\n  \"a\": 1,\n  \"b\" 2\n}");
  EXPECT_TRUE(message.starts_with("x.json: line 3, column 7: ")) << message;
  expect_contains(parse_error("{\"a\": 1"), "line 1, column 7");
  expect_contains(parse_error(" \n"), "is empty");
  expect_contains(parse_error("{} {}"), "line 1, column 4");
}

TEST(Json, NaNAndInfinityAreRefusedByName) {
  for (const char* text :
       {"{\"a\": NaN}", "{\"a\": nan}", "{\"a\": -Infinity}", "[Infinity]", "[-NaN]", "NaN"})
    expect_contains(parse_error(text), "NaN and Infinity are no JSON numbers");
  expect_contains(parse_error("[1e999]"), "1e999");
  EXPECT_EQ(parse_error("[nul]").find("NaN"), std::string::npos);
}

TEST(Json, CommentsAreRefusedByName) {
  for (const char* text : {"{\"a\": 1 // one\n}", "{/* one */\"a\": 1}", "// one\n{}"})
    expect_contains(parse_error(text), "comments are not allowed");
}

TEST(Json, DuplicateKeysAreRefusedWhereTheyStand) {
  const std::string message = parse_error("{\"a\": {\"k\": 1,\n \"k\": 2}}");
  EXPECT_EQ(message, "x.json: line 2, column 4: the key 'k' is given twice");
  EXPECT_NO_THROW(parse_json(R"({"a": {"k": 1}, "b": {"k": 2}})", "x.json"));
}

TEST(Json, DepthIsLimitedTo64) {
  const auto nested = [](std::size_t depth) {
    return std::string(depth, '[') + std::string(depth, ']');
  };
  EXPECT_NO_THROW(parse_json(nested(64), "x.json"));
  expect_contains(parse_error(nested(65)), "nested more than 64 deep");
  expect_contains(parse_error(std::string(1000000, '[')), "nested more than 64 deep");
}

TEST(Json, TheOrderedReaderHasTheSameLimits) {
  const std::string text = R"({"b": [1, {"z": null, "a": 0.5}], "a": "t"})";
  EXPECT_EQ(parse_ordered_json(text, "x.json").dump(), R"({"b":[1,{"z":null,"a":0.5}],"a":"t"})");
  const auto refused = [](const std::string& wrong) {
    return error_of([&] { (void)parse_ordered_json(wrong, "x.json"); });
  };
  for (const std::string& wrong :
       {std::string(100000, '['), std::string(R"({"a": {"k": 1, "k": 2}})"),
        std::string(R"(["\u0000"])"), std::string("{} {}"), std::string("[nan]"), std::string("["),
        std::string()})
    EXPECT_EQ(refused(wrong), parse_error(wrong)) << wrong.substr(0, 40);
}

TEST(Json, ManyKeysInOrderTakeNoSquareOfTheirTime) {
  std::string text = "{";
  for (int i = 0; i < 200000; ++i) text += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
  EXPECT_EQ(parse_ordered_json(text + "}", "x.json").size(), 200000u);
}

TEST(Json, NulIsRefusedInKeysAndValues) {
  EXPECT_EQ(parse_error(R"({"a": "b\u0000c"})"),
            "x.json: line 1, column 16: a string holds the character NUL");
  expect_contains(parse_error(R"({"a\u0000": 1})"), "NUL");
  expect_contains(parse_error(std::string("[\"a\0\"]", 6)), "control character");
}

TEST(Json, InvalidUtf8IsRefusedInPrintableWords) {
  const std::string message = parse_error("[\"\xff\xfe\"]");
  for (const char c : message) EXPECT_LT(static_cast<unsigned char>(c), 0x7f);
}

TEST(Json, FilesAreReadAndBounded) {
  const std::string path = temporary_path("a.json");
  const std::string text = R"({"a": 1})";
  write_file_whole(path, text.data(), text.size());
  EXPECT_EQ(read_json(path), Json({{"a", 1}}));
  EXPECT_NO_THROW(read_json(path, text.size()));
  expect_contains(error_of([&] { read_json(path, text.size() - 1); }), path + ": larger than");
  EXPECT_EQ(error_of([&] { read_json(path + "x"); }),
            path + "x: cannot open: No such file or directory");
  expect_contains(error_of([&] { read_json(testing::TempDir()); }), "Is a directory");
  expect_contains(error_of([] { read_json("/dev/zero", 1000); }), "a device, no regular file");
}

TEST(Json, PlacesEscapeTheirKeys) {
  EXPECT_EQ((Place{"f.json", ""} / "a/b" / "~").str(), "f.json: /a~1b/~0");
  EXPECT_EQ((Place{"f.json", ""}).str(), "f.json");
  EXPECT_EQ((Place{"", "/a"}).str(), "/a");
}

TEST(Json, SetPointerSetsWhatItsParentHolds) {
  Json root = parse_json(R"({"a": {"b": [1, 2]}, "c/d": {}})", "x.json");
  set_pointer(root, "/a/b/1", 5, "--set");
  set_pointer(root, "/a/new", "x", "--set");
  set_pointer(root, "/c~1d/e", true, "--set");
  EXPECT_EQ(canonical(root), R"({"a":{"b":[1,5],"new":"x"},"c/d":{"e":true}})");
  set_pointer(root, "", 1, "--set");
  EXPECT_EQ(root, Json(1));
}

TEST(Json, SetPointerNamesWhatIsMissing) {
  const Json root = parse_json(R"({"channel": {"snr_db": 1, "list": [1]}})", "x.json");
  const auto refuse = [&](const std::string& pointer) {
    Json changed = root;
    const std::string message = error_of([&] { set_pointer(changed, pointer, 2, "--set"); });
    EXPECT_EQ(changed, root) << pointer;
    return message;
  };
  EXPECT_EQ(refuse("/chanel/snr_db"),
            "--set: /chanel/snr_db: there is no 'chanel' at the top; did you mean 'channel'?");
  expect_contains(refuse("/channel/snr_db/x"), "/channel/snr_db is a number");
  expect_contains(refuse("/channel/list/1"), "no element of the list of 1");
  expect_contains(refuse("/channel/list/-1"), "no element");
  expect_contains(refuse("/channel/list/00"), "no element");
  expect_contains(refuse("channel"), "must start with '/'");
  expect_contains(refuse("/chan~nel"), "must be followed by 0 or 1");
}

TEST(Json, NearestForgivesTyposAndNothingElse) {
  const std::vector<std::string> known{"snr_db", "coherence", "kind", "zf", "mmse"};
  EXPECT_EQ(nearest("snr_bd", known), "snr_db");
  EXPECT_EQ(nearest("SNR_dB", known), "snr_db");
  EXPECT_EQ(nearest("snr", known), "snr_db");
  EXPECT_EQ(nearest("coherance", known), "coherence");
  EXPECT_EQ(nearest("zv", known), "zf");
  EXPECT_EQ(nearest("mse", known), "mmse");
  EXPECT_EQ(nearest("dataset", known), "");
  EXPECT_EQ(nearest("", known), "");
  EXPECT_EQ(nearest("kind", {}), "");
}

TEST(Json, CanonicalTextIsOneForEqualValues) {
  const Json a = parse_json(R"({"b": 10.0, "a": [0.1, 1e0, -0.0, 1e22, 123456789012345678]})", "a");
  const Json b = parse_json(
      R"({"a": [1e-1, 1, 0, 10000000000000000000000.0, 123456789012345678], "b": 1e1})", "b");
  EXPECT_EQ(canonical(a), canonical(b));
  EXPECT_EQ(canonical(a), R"({"a":[0.1,1,0,1e+22,123456789012345678],"b":10})");
  const double awkward = 0.1 + 0.2;
  EXPECT_EQ(parse_json(canonical(awkward), "c").get<double>(), awkward);
  EXPECT_NE(canonical(awkward), canonical(0.3));
}

TEST(Sha256, MatchesThePublishedExamples) {  // FIPS 180-4's examples
  EXPECT_EQ(sha256("", 0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256("abc", 3), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  const std::string two_blocks = "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq";
  EXPECT_EQ(sha256(two_blocks.data(), two_blocks.size()),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  const std::string million(1000000, 'a');
  EXPECT_EQ(sha256(million.data(), million.size()),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(Sha256, PiecesGiveTheSumOfTheWhole) {
  std::string text;
  for (int i = 0; i < 300; ++i) text += static_cast<char>(i * 7);
  const std::string whole = sha256(text.data(), text.size());
  for (const std::size_t piece : {1u, 3u, 63u, 64u, 65u, 127u}) {
    Sha256 sum;
    for (std::size_t at = 0; at < text.size(); at += piece)
      sum.add(text.data() + at, std::min(piece, text.size() - at));
    EXPECT_EQ(sum.hex(), whole) << piece;
  }
}

}  // namespace
}  // namespace semwave
