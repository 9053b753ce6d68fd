"""When a movie on a slide plays: the timing tree (`p:timing`) as PowerPoint writes it.

A `p:cond` at the movie alone starts it in PowerPoint, but LibreOffice drops it. So the movie is an effect of the main
sequence: after the slide appears, or with the first click. A click on the picture is a click like any other, since
nothing pauses the movie in an interactive sequence: it goes on to the next slide.
"""

from __future__ import annotations

_TREE = """\
<p:timing xmlns:p="http://schemas.openxmlformats.org/presentationml/2006/main"><p:tnLst><p:par>
<p:cTn id="1" dur="indefinite" restart="never" nodeType="tmRoot"><p:childTnLst>
<p:seq concurrent="1" nextAc="seek"><p:cTn id="2" dur="indefinite" nodeType="mainSeq"><p:childTnLst>
<p:par><p:cTn id="3" fill="hold"><p:stCondLst>{starts}</p:stCondLst><p:childTnLst>
<p:par><p:cTn id="4" fill="hold"><p:stCondLst><p:cond delay="0"/></p:stCondLst><p:childTnLst>
<p:par><p:cTn id="5" presetID="1" presetClass="mediacall" presetSubtype="0" fill="hold" nodeType="{effect}">\
<p:stCondLst><p:cond delay="0"/></p:stCondLst><p:childTnLst>
<p:cmd type="call" cmd="playFrom(0.0)"><p:cBhvr><p:cTn id="6" dur="{duration}" fill="hold"/>\
<p:tgtEl><p:spTgt spid="{shape}"/></p:tgtEl></p:cBhvr></p:cmd>
</p:childTnLst></p:cTn></p:par></p:childTnLst></p:cTn></p:par></p:childTnLst></p:cTn></p:par></p:childTnLst></p:cTn>
<p:prevCondLst><p:cond evt="onPrev" delay="0"><p:tgtEl><p:sldTgt/></p:tgtEl></p:cond></p:prevCondLst>
<p:nextCondLst><p:cond evt="onNext" delay="0"><p:tgtEl><p:sldTgt/></p:tgtEl></p:cond></p:nextCondLst></p:seq>
<p:video><p:cMediaNode vol="80000"><p:cTn id="7" {repeat}fill="hold" display="0">\
<p:stCondLst><p:cond delay="indefinite"/></p:stCondLst></p:cTn>\
<p:tgtEl><p:spTgt spid="{shape}"/></p:tgtEl></p:cMediaNode></p:video>
</p:childTnLst></p:cTn></p:par></p:tnLst></p:timing>"""
_CLICK = '<p:cond delay="indefinite"/>'
_AT_ONCE = f'{_CLICK}<p:cond evt="onBegin" delay="0"><p:tn val="2"/></p:cond>'


def timing(shape: int, seconds: float, click: bool = False, loop: bool = False) -> str:
    """The timing of a slide whose one movie is the shape of this id and lasts so many seconds."""
    return _TREE.format(
        shape=shape,
        duration=round(seconds * 1000),
        starts=_CLICK if click else _AT_ONCE,
        effect="clickEffect" if click else "afterEffect",
        repeat='repeatCount="indefinite" ' if loop else "",
    )
