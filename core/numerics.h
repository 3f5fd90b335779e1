// What the numbers of a result depend on beside scenario, model and images: the code, in parts
// that each have a version, and the tables it reads. A point of a result folder is known by those
// it uses (experiment/numerics.h), so that a change of one runs the points it touches again, and
// no others.
//
// Each room names its parts in a numerics.h of its own; these are core's.
#pragma once

#include <string>

namespace semwave {

/// A part or a table as it stands in the digest of a point.
struct Component {
  std::string name;
  std::string version;  // the number of a part, a library's own name beside it; SHA-256 of a table
};

/// A part of the code. Raise its version in the commit that may change a number of a result in its
/// last bit: another order of summation, another counter of a draw, another choice. A faster or
/// clearer way to the same bits leaves it alone.
struct CodePart {
  const char* name;
  int version;
  const char* files;  // from the project's root, without their endings; a folder ends in '/'
};

namespace part {

inline constexpr CodePart random_draws{
    "random draws", 1, "core/random/random core/cpu/complex_normals core/cpu/normals"};

/// Their pixels and labels are in the digest themselves: this is how they become numbers of a
/// tensor.
inline constexpr CodePart images{
    "images", 1,
    "core/data/cifar core/data/dataset core/data/dataset_files core/data/dataset_kinds "
    "core/data/datasets "
    "core/data/idx core/data/image_folder core/data/picture"};

inline constexpr CodePart network{
    "network", 1,
    "core/nn/architecture core/nn/deepjscc_shape core/nn/grid core/tensor/checkpoint "
    "core/nn/layers core/nn/picture_layers core/nn/windows core/ops/ "
    "core/tensor/parameter core/tensor/pass core/tensor/ragged"};
inline constexpr CodePart network_kernels_cpu{"network kernels, cpu", 1, "core/cpu/"};
inline constexpr CodePart network_kernels_cuda{"network kernels, cuda", 2, "core/cuda/"};
inline constexpr CodePart classifier{"classifier", 1, "core/nn/classifier"};

inline constexpr CodePart jpeg{"jpeg", 1, "core/data/codec/jpeg_codec core/data/codec/image_codec"};
inline constexpr CodePart webp{"webp", 1, "core/data/codec/webp_codec core/data/codec/image_codec"};
inline constexpr CodePart heic{"heic", 1, "core/data/codec/heic_codec core/data/codec/image_codec"};

inline constexpr const CodePart* of_core[] = {
    &random_draws, &images, &network, &network_kernels_cpu, &network_kernels_cuda, &classifier,
    &jpeg,         &webp,   &heic};

}  // namespace part

/// A part in the digest of a point; beside it the name and version of a library that does its work,
/// since another one may make other numbers.
inline Component component_of(const CodePart& part, const std::string& library = "") {
  return {part.name, std::to_string(part.version) + (library.empty() ? "" : ", " + library)};
}

}  // namespace semwave
