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

/// The commit that is built, as the Makefile tells.
let told = Context.environment["HEED_COMMIT"] ?? ""
let commit = told.isEmpty ? "unknown" : told.filter { $0.isHexDigit || "-dirty".contains($0) }

/// The modules in Swift, each above those that it may import.
let modules = [
  "TensorEngine", "YAML", "Pictures", "PromptText", "AttentionTrace", "Diffusion",
  "AttentionAnalysis", "AttentionExport", "Drawing", "Figures", "Evaluation",
]

let package = Package(
  name: "heed",
  products: [
    .executable(name: "heed", targets: ["HeedCommand"]),
    .library(name: "Heed", targets: ["Heed"] + modules),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .systemLibrary(
      name: "CCairo", pkgConfig: "pangocairo",
      providers: [.apt(["libcairo2-dev", "libpango1.0-dev"])]),
    .systemLibrary(name: "CPNG", pkgConfig: "libpng", providers: [.apt(["libpng-dev"])]),
    .systemLibrary(name: "CJPEG", pkgConfig: "libjpeg", providers: [.apt(["libjpeg-dev"])]),
    .systemLibrary(name: "CGIF", pkgConfig: "libgif", providers: [.apt(["libgif-dev"])]),
    .systemLibrary(name: "CWebP", pkgConfig: "libwebpdemux", providers: [.apt(["libwebp-dev"])]),
    .systemLibrary(name: "CQPDF", pkgConfig: "libqpdf", providers: [.apt(["libqpdf-dev"])]),
    .systemLibrary(name: "COpenSSL", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
    .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),
    .target(
      name: "CKernels",
      cSettings: [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]),
    .target(
      name: "CBuild",
      cSettings: [
        .define("HEED_COMMIT", to: "\"\(commit)\""), .enableWarning("all"),
        .enableWarning("extra"), .treatAllWarnings(as: .error),
      ]),
    .target(
      name: "CMemory",
      cSettings: [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]),
    .target(
      name: "CPictures", dependencies: ["CPNG", "CJPEG", "CWebP", "CGIF"],
      cSettings: [.enableWarning("all"), .enableWarning("extra"), .treatAllWarnings(as: .error)]),
    .target(name: "TensorEngine", dependencies: ["CKernels", "COpenSSL", "CZlib"]),
    .target(name: "YAML", dependencies: ["TensorEngine", .product(name: "Yams", package: "Yams")]),
    .target(name: "Pictures", dependencies: ["TensorEngine", "CPictures", "CPNG", "CGIF"]),
    .target(
      name: "PromptText", dependencies: ["TensorEngine"],
      resources: [.copy("Resources/CLIPVocabulary")]),
    .target(
      name: "AttentionTrace", dependencies: ["PromptText", "TensorEngine", "CKernels"]),
    .target(
      name: "Diffusion",
      dependencies: ["AttentionTrace", "PromptText", "Pictures", "TensorEngine", "YAML"],
      resources: [
        .copy("Resources/Menagerie"), .copy("Resources/Shapes"), .copy("Resources/Words"),
      ]),
    .target(
      name: "AttentionAnalysis",
      dependencies: ["AttentionTrace", "PromptText", "TensorEngine", "CKernels"]),
    .target(
      name: "AttentionExport",
      dependencies: [
        "AttentionAnalysis", "AttentionTrace", "PromptText", "TensorEngine", "CKernels",
      ]),
    .target(
      name: "Drawing", dependencies: ["Pictures", "TensorEngine", "CCairo", "CQPDF"]),
    .target(
      name: "Figures",
      dependencies: [
        "Drawing", "AttentionAnalysis", "AttentionTrace", "PromptText", "Pictures", "TensorEngine",
        "YAML",
      ],
      resources: [
        .copy("Resources/Page"), .copy("Resources/Report"), .copy("Resources/Questionnaire"),
        .copy("Resources/Benchmark"),
      ]),
    .target(
      name: "Evaluation",
      dependencies: [
        "Diffusion", "AttentionAnalysis", "AttentionTrace", "PromptText", "Pictures",
        "TensorEngine", "YAML",
      ],
      resources: [.copy("Resources/Suites"), .copy("Resources/Eyes")]),
    // What a user of the library imports; a folder of the module's own name would differ from the
    // command's by case only.
    .target(
      name: "Heed", dependencies: modules.map { .byName(name: $0) }, path: "Sources/HeedLibrary"),
    .executableTarget(
      name: "HeedCommand",
      dependencies: modules.map { .byName(name: $0) } + [
        // Only the command names the commit, so that a commit rebuilds nothing else.
        "CBuild", "CMemory", .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ], path: "Sources/heed"),
    .target(
      name: "TestSupport", dependencies: ["TensorEngine"], path: "Tests/TestSupport"),
    .testTarget(
      name: "TensorEngineTests", dependencies: ["TensorEngine", "CKernels", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "PromptTextTests",
      dependencies: ["PromptText", "AttentionTrace", "TensorEngine", "TestSupport"],
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
      dependencies: [
        "Diffusion", "AttentionTrace", "PromptText", "Pictures", "TensorEngine", "TestSupport",
      ],
      resources: [.copy("Fixtures")]),
    // See what a package sees that depends on this one.
    .testTarget(name: "LibraryTests", dependencies: ["Heed"], packageAccess: false),
    .testTarget(
      name: "AttentionAnalysisTests",
      dependencies: [
        "AttentionAnalysis", "AttentionExport", "AttentionTrace", "PromptText", "TensorEngine",
        "TestSupport",
        "RecordingProbe",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "EvaluationTests",
      dependencies: [
        "Evaluation", "Diffusion", "AttentionAnalysis", "AttentionTrace", "PromptText", "Pictures",
        "TensorEngine", "TestSupport",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "FiguresTests",
      dependencies: [
        "Figures", "Drawing", "AttentionAnalysis", "AttentionTrace", "PromptText", "Pictures",
        "TensorEngine", "TestSupport", "RecordingProbe",
      ],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "CommandTests",
      dependencies: modules.map { .byName(name: $0) } + [
        "HeedCommand", "TestSupport",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      exclude: ["Fixtures"]),
  ]
)

/// What finds inputs that a parser fails on; it has no `main` but libFuzzer's, and is built by `make fuzz` alone.
if Context.environment["HEED_FUZZ"] != nil {
  package.targets.append(
    .executableTarget(
      name: "Fuzzing",
      dependencies: [
        "AttentionAnalysis", "AttentionTrace", "Diffusion", "Drawing", "Evaluation", "Figures",
        "Pictures", "PromptText", "TensorEngine", "YAML",
      ], path: "Tests/Fuzzing", exclude: ["make_seeds.py", "run.sh"]))
}

/// Modules that are built without optimisation, in a fifth of the time.
///
/// They decide what is computed, recorded and drawn, and leave loops over samples, values and pixels to the modules
/// below them; and the largest modules of tests, whose time is that of what they call.
let quicklyBuilt = [
  "AttentionTrace", "Diffusion", "Evaluation", "Figures", "HeedCommand", "CommandTests",
  "DiffusionTests", "EvaluationTests", "LibraryTests",
]

/// Every unsafe expression is marked, with its reason at the head of its file.
let withoutSwift = ["CBuild", "CKernels", "CMemory", "CPictures"]
for target in package.targets where target.type != .system && !withoutSwift.contains(target.name) {
  target.swiftSettings = settings
  if quicklyBuilt.contains(target.name) {
    target.swiftSettings?.append(.unsafeFlags(["-Onone"], .when(configuration: .release)))
  }
  if target.type != .test, target.path?.hasPrefix("Tests") != true {
    target.swiftSettings?.append(.strictMemorySafety())
  }
}
