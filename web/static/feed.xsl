<?xml version="1.0" encoding="utf-8"?>
<!-- Shows an RSS or Atom feed of this site as a page, for whoever opens its address in a browser.
     Text is only ever copied as text: nothing here turns a feed's content into markup. -->
<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform"
  xmlns:a="http://www.w3.org/2005/Atom" xmlns:media="http://search.yahoo.com/mrss/"
  xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:gs="urn:uuid:7374c621-3b81-5aa8-bd74-0db6c9c124d9"
  exclude-result-prefixes="a media dc gs">
<xsl:output method="html" encoding="utf-8" doctype-system="about:legacy-compat"/>

<xsl:template match="/rss">
  <xsl:call-template name="page">
    <xsl:with-param name="title" select="channel/title"/>
    <xsl:with-param name="about" select="channel/description"/>
    <xsl:with-param name="home" select="channel/link"/>
    <xsl:with-param name="lang" select="channel/language"/>
    <xsl:with-param name="self" select="channel/a:link[@rel='self']/@href"/>
    <xsl:with-param name="next" select="channel/a:link[@rel='next']/@href"/>
    <xsl:with-param name="items" select="channel/item"/>
  </xsl:call-template>
</xsl:template>

<xsl:template match="/a:feed">
  <xsl:call-template name="page">
    <xsl:with-param name="title" select="a:title"/>
    <xsl:with-param name="about" select="a:subtitle"/>
    <xsl:with-param name="home" select="a:link[@rel='alternate']/@href"/>
    <xsl:with-param name="lang" select="@xml:lang"/>
    <xsl:with-param name="self" select="a:link[@rel='self']/@href"/>
    <xsl:with-param name="next" select="a:link[@rel='next']/@href"/>
    <xsl:with-param name="items" select="a:entry"/>
  </xsl:call-template>
</xsl:template>

<xsl:template name="page">
  <xsl:param name="title"/><xsl:param name="about"/><xsl:param name="home"/><xsl:param name="lang"/>
  <xsl:param name="self"/><xsl:param name="next"/><xsl:param name="items"/>
  <html lang="{$lang}">
    <head>
      <meta name="viewport" content="width=device-width, initial-scale=1"/>
      <meta name="color-scheme" content="light dark"/>
      <title><xsl:value-of select="$title"/></title>
      <!-- The feed names its style sheets, with the prefix and version that this site serves them under. -->
      <link rel="stylesheet" href="{substring-before(substring-after(/processing-instruction('xml-stylesheet')[contains(., 'text/css')], 'href=&quot;'), '&quot;')}"/>
    </head>
    <body>
      <main>
        <h1><xsl:value-of select="$title"/></h1>
        <p class="about"><xsl:value-of select="$about"/>. <a href="{$home}">Open the page</a></p>
        <section class="note">
          <p><b>This is a web feed.</b> Copy its address into a feed reader to get new stories as they come:</p>
          <p><code><xsl:value-of select="$self"/></code></p>
        </section>
        <ol>
          <xsl:for-each select="$items">
            <li>
              <xsl:if test="media:content/@url"><img src="{media:content/@url}" alt="" loading="lazy"/></xsl:if>
              <h2><a><xsl:attribute name="href"><xsl:value-of select="link | a:link[@rel='alternate']/@href"/></xsl:attribute><xsl:value-of select="title | a:title"/></a></h2>
              <p>
                <xsl:value-of select="dc:creator | a:author/a:name"/>
                <xsl:text> · </xsl:text>
                <time><xsl:value-of select="pubDate | a:published"/></time>
                <xsl:text> · Score: </xsl:text><b><xsl:value-of select="gs:score"/></b>
                <xsl:if test="gs:provisional = 'true'"> (provisional)</xsl:if>
                <xsl:text> · </xsl:text><xsl:value-of select="gs:sources"/>
                <xsl:choose><xsl:when test="gs:sources = '1'"> source</xsl:when><xsl:otherwise> sources, <xsl:value-of select="gs:independentSources"/> independent</xsl:otherwise></xsl:choose>
              </p>
            </li>
          </xsl:for-each>
        </ol>
        <xsl:if test="not($items)"><p>There are no stories in this feed yet.</p></xsl:if>
        <xsl:if test="$next"><p><a rel="next" href="{$next}">Older stories</a></p></xsl:if>
      </main>
    </body>
  </html>
</xsl:template>
</xsl:stylesheet>
