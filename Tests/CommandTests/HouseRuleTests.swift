import Foundation
import Testing

/// What every file of the library keeps to, beyond what the formatter checks.
@Suite("House rules")
struct HouseRuleTests {
  private static let files: [SourceFile] = {
    let root = Repository.root + "/Sources/"
    let names = FileManager.default.subpaths(atPath: root) ?? []
    return names.filter { $0.hasSuffix(".swift") }.sorted().compactMap { name in
      (try? String(contentsOfFile: root + name, encoding: .utf8)).map { SourceFile(name, $0) }
    }
  }()

  /// Members whose meaning is that of the standard library's protocols.
  private static let known: Set = ["==", "hash(into:)", "encode(to:)", "init(from:)"]

  @Test("A public declaration has a doc comment, its own or its protocol's")
  func documented() {
    let types = ConformanceTable(Self.files)
    #expect(Self.files.count > 100 && types.requirements.count > 5)
    for file in Self.files {
      for declaration in file.publicDeclarations where !declaration.isDocumented {
        let inherited = declaration.owner.map { types.inherits(declaration.name, in: $0) } ?? false
        #expect(
          inherited || Self.known.contains(declaration.name),
          "\(file.name):\(declaration.line): \(declaration.name) has no doc comment")
      }
    }
  }

  @Test(
    "No doc comment says nothing",
    arguments: [
      #"/// (None|Nothing|It does|Yes|No)\.$"#, #"see the properties"#, #"/// It does make sense"#,
      #"/// The (base|method|schedule|protocol|objective)'s\.$"#, #"/// See above\.$"#,
    ])
  func empty(_ phrase: String) throws {
    let pattern = try Regex(phrase)
    for file in Self.files {
      for (index, line) in file.lines.enumerated() where line.contains("///") {
        #expect(!line.contains(pattern), "\(file.name):\(index + 1)")
      }
    }
  }

  @Test("The reader of declarations sees names, owners and comments")
  func reader() {
    let file = SourceFile(
      "A.swift",
      """
      /// A shape.
      public protocol Shape: Sendable {
        /// Its side.
        var side: Int { get }
        func grown(_ by: Int, at place: Int) -> Self
      }
      public struct Square: Hashable,
        Shape
      {
        public let side: Int
        /// Square.
        @discardableResult
        public func grown(_ by: Int, at place: Int) -> Self { self }
        public static func == (a: Self, b: Self) -> Bool { true }
        public init(side: Int) {}
      }
      """)
    let found = file.publicDeclarations
    #expect(
      found.map(\.path) == [
        "Shape", "Shape.side", "Shape.grown(_:at:)", "Square", "Square.side",
        "Square.grown(_:at:)", "Square.==", "Square.init(side:)",
      ])
    #expect(found.map(\.isDocumented) == [true, true, false, false, false, true, false, false])
    let types = ConformanceTable([file])
    #expect(types.inherits("side", in: "Square") && !types.inherits("grown(_:at:)", in: "Shape"))
    #expect(!types.inherits("init(side:)", in: "Square"))
  }
}
