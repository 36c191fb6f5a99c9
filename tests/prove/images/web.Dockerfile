# For web-static: two servers, and a site with maps and with files that were compressed beforehand.
FROM images-base
RUN apt-get update && apt-get install -y --no-install-recommends nginx-light apache2
RUN d=/var/www/html && echo '<script src=app.js></script>' >$d/index.html && echo 'f()//# sourceMappingURL=app.js.map' >$d/app.js && \
    echo '{"version":3}' >$d/app.js.map && gzip -k $d/app.js && mkdir -p $d/docs/man && echo page >$d/docs/man/README && \
    sed -i 's/^\tlocation \/ {/\tgzip_static on;\n&/' /etc/nginx/sites-available/default
CMD ["nginx", "-g", "daemon off;"]
