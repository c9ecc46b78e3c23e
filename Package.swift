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
        "TensorEngine", "PromptText", "AttentionTrace", "Diffusion", "AttentionAnalysis", "Figures",
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
    .target(
      name: "PromptText", dependencies: ["TensorEngine"],
      resources: [.copy("Resources/CLIPVocabulary")]),
    .target(name: "AttentionTrace", dependencies: ["PromptText", "TensorEngine", "CKernels"]),
    .target(
      name: "Diffusion",
      dependencies: ["TensorEngine", "PromptText", "AttentionTrace", "CPictures"],
      resources: [
        .copy("Resources/Menagerie"), .copy("Resources/Shapes"),
      ]),
    .target(
      name: "AttentionAnalysis",
      dependencies: ["PromptText", "AttentionTrace", "TensorEngine", "CKernels"]),
    .target(
      name: "Figures",
      dependencies: [
        "AttentionAnalysis", "AttentionTrace", "PromptText", "TensorEngine", "CCairo", "CPNG",
      ],
      resources: [.copy("Resources/Report")]),
    .executableTarget(
      name: "heed",
      dependencies: [
        "TensorEngine", "PromptText", "AttentionTrace", "Diffusion", "AttentionAnalysis", "Figures",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ]),
    .target(
      name: "TestSupport", dependencies: ["TensorEngine"], path: "Tests/TestSupport"),
    .testTarget(
      name: "TensorEngineTests",
      dependencies: ["TensorEngine", "CKernels", "COpenBLAS", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "PromptTextTests", dependencies: ["PromptText", "TensorEngine", "TestSupport"],
      exclude: ["Fixtures"]),
    .executableTarget(
      name: "RecordingProbe", dependencies: ["AttentionTrace", "PromptText"],
      path: "Tests/RecordingProbe"),
    .testTarget(
      name: "AttentionTraceTests",
      dependencies: [
        "AttentionTrace", "PromptText", "TensorEngine", "TestSupport", "RecordingProbe",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "DiffusionTests",
      dependencies: ["Diffusion", "AttentionTrace", "PromptText", "TensorEngine", "TestSupport"],
      resources: [.copy("Fixtures")]),
    // Sees what a package sees that depends on this one.
    .testTarget(
      name: "OwnObjectiveTests",
      dependencies: ["Diffusion", "AttentionTrace", "PromptText", "TensorEngine"],
      packageAccess: false),
    .testTarget(
      name: "AttentionAnalysisTests",
      dependencies: [
        "AttentionAnalysis", "AttentionTrace", "PromptText", "TensorEngine", "TestSupport",
        "RecordingProbe",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "FiguresTests",
      dependencies: [
        "Figures", "AttentionAnalysis", "AttentionTrace", "PromptText", "TestSupport",
        "RecordingProbe",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "heed", "AttentionAnalysis", "AttentionTrace", "Figures", "PromptText", "TensorEngine",
        "TestSupport",
      ],
      exclude: ["Fixtures"]),
  ]
)

/// Targets in which every unsafe expression is marked, with its reason at the head of its file.
let strict = ["PromptText", "AttentionTrace", "AttentionAnalysis"]
let withoutSwift = ["CKernels", "CPictures"]
for target in package.targets where target.type != .system && !withoutSwift.contains(target.name) {
  target.swiftSettings = settings
  if strict.contains(target.name) { target.swiftSettings?.append(.strictMemorySafety()) }
}
