package import Pictures

/// Scenes of one size as the frames of a moving picture.
///
/// Their sides are even numbers of pixels, as video needs them: a column or a row of paper is added where
/// one is missing. A frame is drawn when it is asked for, so that no more than one takes memory.
package struct Animation {
  /// Pixels an inch, unless a user asks for others: a film is looked at on a screen.
  package static let dpi = 100.0
  /// How long a frame is shown, in milliseconds.
  package static let delay = 200
  /// How many times as long the last frame is shown.
  private static let rest = 4

  /// Pixels an inch.
  package let dpi: Double
  /// How long each frame is shown, in milliseconds, 1…65535.
  let delays: [Int]
  private let scenes: [Scene]

  /// The frames that `scenes` draw.
  /// - Parameters:
  ///   - scenes: of one size, at least one.
  ///   - dpi: pixels an inch.
  ///   - delay: how long a frame is shown, in milliseconds, 1…65535; the last is shown four times as long.
  /// - Throws: ``FigureError`` if there is none, or they differ in size.
  package init(_ scenes: [Scene], dpi: Double = Self.dpi, delay: Int = Self.delay) throws {
    guard let first = scenes.first else { throw FigureError.inconsistentSheet("no frame to show") }
    guard scenes.allSatisfy({ ($0.width, $0.height) == (first.width, first.height) }) else {
      throw FigureError.inconsistentSheet("the frames of an animation are not of one size")
    }
    self.scenes = scenes
    self.dpi = dpi
    delays = scenes.indices.map {
      $0 == scenes.count - 1 ? min(65_535, Self.rest * delay) : delay
    }
  }

  /// How many frames there are.
  package var count: Int { scenes.count }

  /// The first frame's scene, whose metadata are the file's.
  package var first: Scene { scenes[0] }

  /// The pixels of a frame.
  /// - Throws: ``FigureError`` if the raster is too large or a font is missing.
  package func frame(at index: Int) throws -> Picture {
    try PNGBackend.image(scenes[index], dpi: dpi, hasEvenSides: true)
  }
}
