# The image: one static binary with the licences of what it is made of, and no base image to trust or to renew.
# deploy/image.sh makes both, then this.
FROM scratch
ARG TARGETARCH
COPY target/image/${TARGETARCH}/stateward target/image/${TARGETARCH}/THIRD-PARTY /
# Nobody: no name in an empty image, so by number, which Kubernetes' runAsNonRoot needs anyway.
USER 65532:65532
EXPOSE 8443 8080
ENTRYPOINT ["/stateward"]
CMD ["serve"]
