package import Pictures

extension Picture {
  /// The grey of a picture in the middle of its range, and of one that is grey all over.
  package static let middleGrey = Color(red: 130, green: 130, blue: 130)
  /// How far the greys reach to both sides of the middle: neither black nor white, so that a colour
  /// over them is seen everywhere.
  private static let reach = 70.0
  /// How much more contrast a faint picture gets at most, so that noise stays faint.
  private static let mostContrast = 3.0

  /// The picture in grey, stretched over the middle of the range so that shapes stand out.
  ///
  /// Each pixel's grey comes from its luma by Rec. 709.
  package var grey: Picture {
    let lumas = stride(from: 0, to: pixels.count, by: 3).map { (index: Int) -> Double in
      let (red, green) = (Double(pixels[index]), Double(pixels[index + 1]))
      return 0.2126 * red + 0.7152 * green + 0.0722 * Double(pixels[index + 2])
    }
    let (least, greatest) = (lumas.min() ?? 0, lumas.max() ?? 0)
    let middle = (least + greatest) / 2
    let contrast = min(Self.mostContrast, 2 * Self.reach / max(greatest - least, 1e-9))
    var samples: [UInt8] = []
    samples.reserveCapacity(pixels.count)
    for luma in lumas {
      let grey = UInt8((Double(Self.middleGrey.red) + (luma - middle) * contrast).rounded())
      samples.append(grey)
      samples.append(grey)
      samples.append(grey)
    }
    return Picture(width: width, height: height, pixels: samples)
  }
}
