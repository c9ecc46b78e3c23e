// swift-tools-version: 6.2

import PackageDescription

/// Settings every Swift target shares.
let settings: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "heed",
  products: [
    .executable(name: "heed", targets: ["heed"]),
    .library(
      name: "Heed",
      targets: [
        "TensorEngine", "Pictures", "AttentionTrace", "Diffusion", "AttentionAnalysis", "Figures",
      ]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(
      name: "COpenBLAS", pkgConfig: "openblas", providers: [.apt(["libopenblas-dev"])]),
    .systemLibrary(
      name: "CCairo", pkgConfig: "pangocairo",
      providers: [.apt(["libcairo2-dev", "libpango1.0-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(
      name: "CKernels",
      cSettings: [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]),
    .target(
      name: "CPictures", dependencies: ["CPNG", "CJPEG"],
      cSettings: [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]),
    .target(
      name: "TensorEngine",
      dependencies: [
        "CKernels", "COpenBLAS", "COpenSSL", "CZlib", .product(name: "Yams", package: "Yams"),
      ]),
    .target(name: "Pictures", dependencies: ["TensorEngine", "CPictures", "CPNG"]),
    .target(name: "AttentionTrace", dependencies: ["TensorEngine", "CKernels"]),
    .target(
      name: "Diffusion",
      dependencies: ["TensorEngine", "Pictures", "AttentionTrace"],
      resources: [
        .copy("Resources/Menagerie"), .copy("Resources/CLIPVocabulary"),
        .copy("Resources/Shapes"),
      ]),
    .target(
      name: "AttentionAnalysis", dependencies: ["AttentionTrace", "TensorEngine", "CKernels"]),
    .target(
      name: "Figures",
      dependencies: ["AttentionAnalysis", "AttentionTrace", "Pictures", "TensorEngine", "CCairo"],
      resources: [.copy("Resources/Report")]),
    .executableTarget(
      name: "heed",
      dependencies: [
        "TensorEngine", "Pictures", "AttentionTrace", "Diffusion", "AttentionAnalysis", "Figures",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(
      name: "TestSupport", dependencies: ["TensorEngine"], path: "Tests/TestSupport"),
    .testTarget(
      name: "TensorEngineTests",
      dependencies: ["TensorEngine", "CKernels", "COpenBLAS", "TestSupport"],
      exclude: ["Fixtures"]),
    .executableTarget(
      name: "RecordingProbe", dependencies: ["AttentionTrace"], path: "Tests/RecordingProbe"),
    .testTarget(
      name: "AttentionTraceTests",
      dependencies: ["AttentionTrace", "TensorEngine", "TestSupport", "RecordingProbe"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "DiffusionTests",
      dependencies: ["Diffusion", "Pictures", "AttentionTrace", "TensorEngine", "TestSupport"],
      resources: [.copy("Fixtures")]),
    // Sees what a package sees that depends on this one.
    .testTarget(
      name: "OwnObjectiveTests", dependencies: ["Diffusion", "AttentionTrace", "TensorEngine"],
      packageAccess: false),
    .testTarget(
      name: "AttentionAnalysisTests",
      dependencies: [
        "AttentionAnalysis", "AttentionTrace", "TensorEngine", "TestSupport", "RecordingProbe",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "FiguresTests",
      dependencies: [
        "Figures", "Pictures", "AttentionAnalysis", "AttentionTrace", "TensorEngine",
        "TestSupport", "RecordingProbe",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "heed", "AttentionAnalysis", "AttentionTrace", "Figures", "Pictures", "TensorEngine",
        "TestSupport",
      ],
      exclude: ["Fixtures"]),
  ]
)

let withoutSwift = ["CKernels", "CPictures"]
/// Targets in which every unsafe expression is marked, with its reason at the head of the file.
let strict = ["TensorEngine", "Pictures"]
for target in package.targets where target.type != .system && !withoutSwift.contains(target.name) {
  target.swiftSettings = settings
  if strict.contains(target.name) { target.swiftSettings?.append(.strictMemorySafety()) }
}
